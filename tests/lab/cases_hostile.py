"""Hostile datagrams: whatever anybody sends without a key changes nothing but a counter.

The numbers H01 to H21 are those of the list of hostile input that the client must survive.
"""

import os
import random
import re
import struct
import sys

import attacker
import gateway
import godwit
import lab
from capture import Capture
from harness import case, require, require_equal
from lab import wait_until

ATTACKER = attacker.__file__
QUIET = {"keepalive": 0, "dpd-delay": 0}
OUTBOUND = ("no-sa", "outside-selectors", "sequence-exhausted", "too-big", "send-failed")


def connects_under_attack(bench, connection, profile, seed):
    bench.raise_lab(connection)
    sitting = bench.lab.napt.start([sys.executable, ATTACKER, "path", "lan", str(seed)],
                                   "attacker.log")
    wait_until(lambda: "ready" in lab.tail(sitting.log), "the attacker")
    client = bench.connected(profile)
    bench.fetch(client)
    drops = client.drops()
    require(sum(drops.values()) >= 50, f"hostile datagrams are not counted: {drops}")
    sitting.kill()
    bench.disconnect(client)


@case
def hostile_on_path_main(bench):
    connects_under_attack(bench, gateway.MAIN, godwit.MAIN, 1)


@case
def hostile_on_path_aggressive(bench):
    connects_under_attack(bench, gateway.AGGRESSIVE, godwit.AGGRESSIVE, 2)


class Siege:
    """A quiet tunnel under fire: each volley must change nothing but the counters."""

    def __init__(self, bench, connection, profile):
        self.bench = bench
        bench.raise_lab(connection, rogue=True)
        self.client = bench.client({**profile, **QUIET})
        capture = Capture(bench.lab.laptop, "wlan0", "handshake")
        bench.connect(self.client)
        bench.lab.laptop.run(["ping", "-q", "-c", "20", "-i", "0.02", lab.OFFICE])
        capture.stop()
        datagrams = capture.datagrams()
        self.received = [d for d in datagrams if d.target == lab.LAPTOP]
        self.sent = [d for d in datagrams if d.source == lab.LAPTOP]
        self.chance = random.Random(20)

    def ike(self, datagrams):
        return [d for d in datagrams if len(d.payload) >= 28 and
                (500 in (d.source_port, d.target_port) or d.payload[:4] == bytes(4))]

    def esp(self, datagrams):
        return [d for d in datagrams if len(d.payload) > 8 and d.payload[:4] != bytes(4) and
                500 not in (d.source_port, d.target_port)]

    def forged(self, payloads, port=4500):
        """Payloads as if they came from the gateway."""
        return [(lab.GATEWAY, port, lab.LAPTOP, port, payload) for payload in payloads]

    def tunnel_input(self):
        path = f"/sys/class/net/{self.client.interface}/statistics/rx_packets"
        return int(self.client.host.run(["cat", path]).stdout)

    def counted(self):
        """Inputs from the outside that led nowhere; what the laptop sends is not counted."""
        return sum(count for reason, count in self.client.drops().items() if reason not in OUTBOUND)

    def state(self):
        status = self.client.status()
        return {key: status.get(key) for key in
                ("state", "gateway", "local", "nat", "addresses", "networks", "dns", "rekeys")} | {
            "spis": (status["esp"]["spi_in"], status["esp"]["spi_out"])}

    def volley(self, name, datagrams, silent=True):
        """Sends datagrams; none may be answered, delivered or remembered, all are counted."""
        path = os.path.join(self.bench.lab.rogue.folder, "volley")
        with open(path, "w", encoding="utf-8") as file:
            for source, source_port, target, target_port, payload in datagrams:
                print(source, source_port, target, target_port, payload.hex(), file=file)
        state, counted = self.state(), self.counted()
        delivered, pids = self.tunnel_input(), self.client.pids()
        capture = Capture(self.client.host, "wlan0", name)
        self.bench.lab.rogue.run([sys.executable, ATTACKER, "send", path], timeout=120)

        def settled():
            return self.counted() - counted >= len(datagrams)
        try:
            wait_until(settled, "the counters", 3)
        except lab.LabError:
            pass
        capture.stop()
        answers = [d for d in capture.datagrams() if d.source == lab.LAPTOP]
        require_equal(self.client.pids(), pids, f"{name}: processes")
        require(not silent or not answers, f"{name}: {len(answers)} answers, first {answers[:1]}")
        require_equal(self.tunnel_input(), delivered, f"{name}: packets delivered")
        require_equal(self.state(), state, f"{name}: state")
        rise = self.counted() - counted
        require_equal(rise, len(datagrams), f"{name}: datagrams counted")
        require(self.client.host.ping(lab.OFFICE), f"{name}: the office no longer answers")

    def end(self):
        self.bench.fetch(self.client)
        self.bench.disconnect(self.client)


@case
def hostile_noise(bench):
    siege = Siege(bench, gateway.MAIN, godwit.MAIN)
    random_sizes = [siege.chance.randbytes(siege.chance.randrange(1, 1468)) for _ in range(2000)]
    siege.volley("h01-from-gateway-500", siege.forged(random_sizes, 500))
    siege.volley("h01-from-gateway-4500", siege.forged(random_sizes, 4500))
    siege.volley("h01-from-elsewhere",
                 [(lab.ROGUE, 5000, lab.LAPTOP, 4500, payload) for payload in random_sizes])
    siege.volley("h01-marked", siege.forged([bytes(4) + payload for payload in random_sizes]))
    siege.volley("h21-keepalives", siege.forged([b"\xff"] * 1000))
    siege.volley("h21-keepalives-from-elsewhere",
                 [(lab.ROGUE, 4500, lab.LAPTOP, 4500, b"\xff")] * 100)
    siege.volley("h21-short", siege.forged([b"\xff\xff", b"\xfe", bytes(3), bytes(4)] * 50))
    siege.end()


def besieged_by_messages(bench, connection, profile):
    siege = Siege(bench, connection, profile)
    genuine = siege.ike(siege.received)
    require(len(genuine) >= 3, f"{len(genuine)} IKE messages of the gateway captured")
    bare = [d.payload if d.source_port == 500 else d.payload[4:] for d in genuine]

    def volley(name, messages, silent=True):
        siege.volley(name, siege.forged([bytes(4) + message for message in messages]), silent)
    volley("h02-wrong-cookies",
           [siege.chance.randbytes(8) + m[8:] for m in bare * 20] +
           [m[:8] + siege.chance.randbytes(8) + m[16:] for m in bare * 20])
    own = [d.payload if d.target_port == 500 else d.payload[4:] for d in siege.ike(siege.sent)]
    volley("h03-reflected", own * 5)
    cookies = bare[-1][:16]
    volley("h04-not-encrypted", [m[:19] + b"\0" + m[20:] for m in bare if m[19] & 1])
    volley("h05-random-ciphertext",
           [m[:20] + siege.chance.randbytes(4) + m[24:28] + siege.chance.randbytes(len(m) - 28)
            for m in bare * 20 if m[19] & 1])
    volley("h06-h07-claims", list(attacker.hints(cookies)) * 100)
    volley("truncations", [m[:cut] for m in bare for cut in range(1, len(m))])
    volley("truncations-that-agree",
           [m[:24] + struct.pack(">I", cut) + m[28:cut] for m in bare
            for cut in range(28, len(m))])
    # A copy of a request may be answered as the first time (RFC 2408 5.1), but nothing else.
    volley("replays", bare * 5, silent=False)
    siege.end()


@case
def hostile_messages_main(bench):
    besieged_by_messages(bench, gateway.MAIN, godwit.MAIN)


@case
def hostile_messages_aggressive(bench):
    besieged_by_messages(bench, gateway.AGGRESSIVE, godwit.AGGRESSIVE)


def besieged_by_esp(bench, suite):
    siege = Siege(bench, gateway.MAIN, {**godwit.MAIN, "esp": [suite]})
    genuine = [d.payload for d in siege.esp(siege.received)]
    require(len(genuine) >= 20, f"{len(genuine)} ESP packets of the gateway captured")
    one = genuine[-1]
    siege.volley("h20-replays", siege.forged(genuine * 100))
    siege.volley("h20-bit-flips", siege.forged(
        [one[:at] + bytes([one[at] ^ 1 << bit]) + one[at + 1:]
         for at in range(len(one)) for bit in range(8)]))
    future, = struct.unpack(">I", one[4:8])
    siege.volley("h20-future", siege.forged(
        [one[:4] + struct.pack(">I", future + step & 0xffffffff) + one[8:]
         for step in (1, 2, 1000, 1 << 16, 1 << 31, 0xffffffff)] * 20))
    siege.volley("h20-truncated", siege.forged([one[:cut] for cut in range(1, len(one))]))
    siege.volley("h20-wrong-spi", siege.forged(
        [struct.pack(">I", siege.chance.randrange(256, 1 << 32)) + one[4:] for _ in range(200)]))
    # The replay window must not have moved: the next genuine packets still come through.
    done = siege.client.host.run(["ping", "-q", "-c", "50", "-i", "0.02", lab.OFFICE])
    require(re.search(r", 0% packet loss", done.stdout), f"packets lost: {done.stdout}")
    siege.end()


@case
def hostile_esp_gcm(bench):
    besieged_by_esp(bench, "aes256gcm16")


@case
def hostile_esp_cbc(bench):
    besieged_by_esp(bench, "aes256-sha256")


@case
def traffic_flows_under_fire(bench):
    siege = Siege(bench, gateway.MAIN, godwit.MAIN)
    path = os.path.join(bench.lab.rogue.folder, "noise")
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(30000):
            print(lab.GATEWAY, 4500, lab.LAPTOP, 4500,
                  siege.chance.randbytes(siege.chance.randrange(1, 300)).hex(), file=file)
    firing = bench.lab.rogue.start([sys.executable, ATTACKER, "send", path], "attacker.log")
    ping = siege.client.host.run(["ping", "-q", "-c", "150", "-i", "0.02", lab.OFFICE])
    require(re.search(r", 0% packet loss", ping.stdout), f"packets lost: {ping.stdout}")
    bench.fetch(siege.client)
    firing.wait(timeout=60)
    siege.end()
