"""Captures of one interface, and a small pcap reader for tests that look at single datagrams."""

import dataclasses
import os
import signal
import struct
import subprocess

import lab
from lab import wait_until


@dataclasses.dataclass(frozen=True)
class Datagram:
    """A UDP datagram of a capture."""
    source: str
    source_port: int
    target: str
    target_port: int
    checksum: int
    payload: bytes


class Capture:
    def __init__(self, host, interface, name="capture"):
        self.path = os.path.join(host.folder, f"{name}.pcap")
        # -U and --immediate-mode: what was sent before stop() is in the file.
        self.process = host.start(["tcpdump", "-i", interface, "-n", "-U", "--immediate-mode",
                                   "-Z", "root", "-B", "32768", "-w", self.path,
                                   "udp or icmp or tcp"], f"{name}.tcpdump")
        wait_until(lambda: "listening on" in lab.tail(self.process.log), "tcpdump to listen")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
        return self.path

    def datagrams(self):
        return list(read_pcap(self.path))


def read_pcap(path):
    """The whole UDP datagrams over IPv4 and Ethernet in a capture; the rest is passed over."""
    with open(path, "rb") as file:
        content = file.read()
    at = 24
    while at + 16 <= len(content):
        length, = struct.unpack_from("<I", content, at + 8)
        frame = content[at + 16:at + 16 + length]
        at += 16 + length
        header = (frame[14] & 15) * 4 if len(frame) > 34 else 0
        if frame[12:14] != b"\x08\x00" or header < 20 or frame[23] != 17:
            continue
        packet = frame[14:]
        ports = struct.unpack_from(">HHHH", packet, header)
        yield Datagram(".".join(map(str, packet[12:16])), ports[0],
                       ".".join(map(str, packet[16:20])), ports[1], ports[3],
                       packet[header + 8:header + ports[2]])
