"""NAT traversal: keepalives, mappings that expire or move, several laptops behind one address."""

import dataclasses
import re
import time

import gateway
import godwit
import lab
from capture import Capture
from harness import case, require, require_equal
from lab import wait_until

# Nothing but keepalives may keep the mapping alive in these cases.
QUIET = {**godwit.MAIN, "dpd-delay": 0}
NAT_TIMEOUT = 3
SILENCE = 7


def office_reaches(bench, address):
    return bench.lab.office.ping(address, seconds=2)


def after_silence(bench, keepalive, dpd_delay=0):
    bench.raise_lab(gateway.MAIN)
    bench.lab.set_nat_timeout(NAT_TIMEOUT)
    client = bench.connected({**QUIET, "keepalive": keepalive, "dpd-delay": dpd_delay})
    inner = client.address()
    require(office_reaches(bench, inner), "the office cannot reach the laptop at all")
    time.sleep(SILENCE)
    return client, inner


@case
def keepalive_keeps_the_mapping(bench):
    client, inner = after_silence(bench, "1s")
    require(office_reaches(bench, inner), "the office cannot reach the laptop after a silence")
    bench.disconnect(client)


@case
def no_keepalive_loses_the_mapping(bench):
    # The other half of the case above: it shows that the keepalives were what helped.
    client, inner = after_silence(bench, 0, dpd_delay="60s")
    require(not office_reaches(bench, inner), "the mapping outlived the silence: no test at all")
    # What the laptop sends makes a new mapping, and its question the gateway follow it there.
    require(client.host.ping(lab.OFFICE, seconds=15),
            "the laptop cannot reach the office after a silence")
    client.disconnect()


@case
def keepalive_only_in_silence(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.connected({**QUIET, "keepalive": "1s"})
    capture = Capture(client.host, "wlan0")

    def keepalives():
        return sum(1 for datagram in capture.datagrams()
                   if datagram.payload == b"\xff" and datagram.target == lab.GATEWAY)
    client.host.run(["ping", "-q", "-i", "0.2", "-c", "20", lab.OFFICE])
    require_equal(keepalives(), 0, "keepalives while traffic flowed")
    time.sleep(4.5)
    capture.stop()
    require(3 <= keepalives() <= 5, f"{keepalives()} keepalives in 4.5 s of silence, one a second")
    bench.disconnect(client)


@case
def no_nat(bench):
    connection = dataclasses.replace(gateway.MAIN, encap=True)
    bench.raise_lab(connection, nat=False)
    client = bench.client({**QUIET, "keepalive": "1s"})
    bench.connect(client)
    capture = Capture(client.host, "wlan0")
    bench.fetch(client)
    time.sleep(2.5)
    capture.stop()
    # RFC 3948 4: only the side behind a NAT sends keepalives.
    require_equal([d for d in capture.datagrams() if d.payload == b"\xff"], [], "keepalives")
    bench.disconnect(client)


@case
def claimed_nat(bench):
    bench.raise_lab(gateway.MAIN, nat=False)
    client = bench.connected({**godwit.MAIN, "nat-traversal": "force"})
    require("TUNNEL-in-UDP" in bench.gateway.sas(), "the gateway does not encapsulate")
    bench.fetch(client)
    bench.disconnect(client)


@case
def mapping_moves_under_traffic(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.connected({**godwit.MAIN, "dpd-delay": "2s"})

    def port():
        return re.search(r"203\.0\.113\.1\[(\d+)\]", bench.gateway.sas()).group(1)
    for _ in range(3):
        old = port()
        flow = client.host.start(["ping", "-q", "-i", "0.05", "-c", "60", lab.OFFICE], "ping.out")
        time.sleep(0.5)
        bench.lab.forget_mappings()
        require(client.host.ping(lab.OFFICE, seconds=20), "traffic does not resume")
        require(port() != old, "the NAPT chose the same port again: no test at all")
        flow.wait(timeout=60)
    bench.fetch(client)
    bench.disconnect(client)


@case
def two_laptops_behind_one_napt(bench):
    bench.raise_lab(gateway.AGGRESSIVE, second=True)
    first = bench.connected(godwit.AGGRESSIVE)
    second = bench.connected(godwit.AGGRESSIVE, host=bench.lab.second)
    require(first.address() != second.address(), "both have the same inner address")
    require_equal(bench.gateway.installed(), 2, "ESP SA pairs at the gateway")
    pings = [client.host.start(["ping", "-q", "-i", "0.02", "-c", "150", lab.OFFICE], "ping.out")
             for client in (first, second)]
    for ping in pings:
        ping.wait(timeout=20)
        require(" 0% packet loss" in lab.tail(ping.log), f"packets lost: {lab.tail(ping.log)}")
    # Downloads come behind: they fill the gateway's queues, and what those drop is not the NAPT's.
    for client in (first, second):
        bench.fetch(client)
    bench.disconnect(first)
    bench.fetch(second)
    bench.disconnect(second)


@case
def port_500_taken_by_another(bench):
    bench.raise_lab(gateway.MAIN)
    taker = ("import socket, time\n"
             "taken = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]\n"
             "taken[0].bind(('', 500)); taken[1].bind(('', 4500)); time.sleep(600)\n")
    bench.lab.laptop.start(["python3", "-c", taker], "taker.out")
    wait_until(lambda: ":4500 " in bench.lab.laptop.run(["ss", "-Hlun"]).stdout, "the ports")
    client = bench.connected(godwit.MAIN)
    bench.fetch(client)
    bench.disconnect(client)


@case
def survives_loss(bench):
    bench.raise_lab(gateway.MAIN)
    bench.lab.napt.run(["iptables", "-I", "FORWARD", "-m", "statistic", "--mode", "random",
                        "--probability", "0.2", "-j", "DROP"])
    client = bench.client(godwit.MAIN)
    require_equal(client.connect().returncode, godwit.OK, "exit code of connect")
    # When Quick Mode's last message is lost, the gateway asks again, or we make new SAs.
    require(client.host.ping(lab.OFFICE, seconds=40), "the office does not answer")
    bench.lab.end_silence()
    bench.fetch(client)
    bench.disconnect(client)
