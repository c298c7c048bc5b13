#!/usr/bin/env python3
"""Carries random octets over TCP and compares checksums.

  courier.py serve                   answers each sender with the SHA-256 of what came
  courier.py send HOST OCTETS SEED   prints the checksum of what was sent and of what arrived
"""

import hashlib
import random
import socket
import sys

PORT = 8090


def receive(connection):
    checksum = hashlib.sha256()
    while piece := connection.recv(1 << 16):
        checksum.update(piece)
    connection.sendall(checksum.hexdigest().encode())
    connection.close()


def serve():
    with socket.create_server(("", PORT)) as server:
        while True:
            connection, _ = server.accept()
            try:
                receive(connection)
            except OSError:
                connection.close()


def send(host, octets, seed):
    content = random.Random(seed).randbytes(octets)
    with socket.create_connection((host, PORT), timeout=150) as connection:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        arrived = connection.recv(64, socket.MSG_WAITALL).decode()
    print(hashlib.sha256(content).hexdigest(), arrived)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    else:
        send(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
