"""A name server for the lab: dns_server.py ADDRESS LOG NAME=ADDRESS...

Answers A questions for the names it knows and NXDOMAIN otherwise, and logs every question.
"""

import socket
import struct
import sys


def question_name(message):
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode("ascii", "replace"))
        at += 1 + message[at]
    return ".".join(labels).lower(), at + 5


def answer(message, names):
    name, end = question_name(message)
    kind, = struct.unpack_from(">H", message, end - 4)
    known = name in names
    records = b""
    if known and kind == 1:
        records = struct.pack(">HHHIH", 0xC00C, 1, 1, 60, 4) + socket.inet_aton(names[name])
    # RFC 1035 4.1.1: response, recursion desired and available.
    head = message[:2] + struct.pack(">HHHHH", 0x8180 | (0 if known else 3), 1,
                                     1 if records else 0, 0, 0)
    return name, head + message[12:end] + records


def main():
    address, log_path, *entries = sys.argv[1:]
    names = dict(entry.split("=") for entry in entries)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    while True:
        message, client = server.recvfrom(4096)
        try:
            name, reply = answer(message, names)
        except (IndexError, struct.error):
            continue
        with open(log_path, "a", encoding="utf-8") as log:
            print(name, file=log)
        server.sendto(reply, client)


if __name__ == "__main__":
    main()
