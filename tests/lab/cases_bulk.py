"""Gigabytes both ways while keys are replaced every few seconds: nothing may be wrong or lost."""

import dataclasses
import os
import re
import sys
import time

import gateway
import godwit
import lab
from harness import case, require, require_equal
from lab import wait_until

# Each way. The whole campaign, by hand:
# GODWIT_LAB_GIGABYTES=20 tests/lab/run --limit 3600 'gigabytes*'
GIGABYTES = float(os.environ.get("GODWIT_LAB_GIGABYTES", "0.2"))
COURIER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "courier.py")


def octets(client):
    """What the tunnel carried in its whole life: in, out."""
    traffic = client.status()["traffic"]
    return traffic["in"]["octets"], traffic["out"]["octets"]


def exchange_files(bench, client, number):
    """A file each way, whole."""
    bench.fetch(client)
    sent = client.host.run([sys.executable, COURIER, "send", lab.OFFICE,
                            str(4 << 20), str(number)], timeout=180).stdout.split()
    require_equal(sent[1], sent[0], f"checksum of file {number} at the office")


@case(slow=True)
def gigabytes_both_ways_while_keys_are_replaced(bench):
    bench.raise_lab(dataclasses.replace(gateway.MAIN, rekey_time=3, life_time=30))
    client = bench.connected(godwit.MAIN)
    office = bench.lab.office
    office.start([sys.executable, COURIER, "serve"], "courier.log")
    office.start(["iperf3", "-s", "-p", str(lab.IPERF_PORT)], "iperf3.log")
    wait_until(lambda: f":{lab.IPERF_PORT} " in office.run(["ss", "-Hltn"]).stdout, "iperf3")
    wanted = GIGABYTES * 1e9
    begin = time.monotonic()
    files = 0
    while min(octets(client)) < wanted:
        require(time.monotonic() - begin < 120 + 120 * GIGABYTES,
                f"only {octets(client)} octets in {time.monotonic() - begin:.0f} s")
        into, out = octets(client)
        way = ["-R"] if into < out else []
        streams = client.host.start(["iperf3", "-c", lab.OFFICE, "-p", str(lab.IPERF_PORT), *way,
                                     "-P", "2", "-t", "6"], "iperf3-client.log")
        while streams.poll() is None:
            exchange_files(bench, client, files)
            files += 1
    into, out = octets(client)
    said = client.status()
    rekeys = bench.gateway.logged("CHILD_SA net.* established") - 1
    print(f"{into / 1e9:.2f} GB in, {out / 1e9:.2f} GB out in {time.monotonic() - begin:.0f} s; "
          f"{rekeys} rekeys; {files} files each way; dropped: {said['drops']}", flush=True)
    require(rekeys >= (time.monotonic() - begin) / 8, f"only {rekeys} rekeys")
    for drop in ("bad-tag", "replay", "bad-padding", "bad-inner", "unknown-spi"):
        require_equal(said["drops"].get(drop, 0), 0, drop)
    require(not re.search("verification failed|replay", lab.tail(bench.gateway.log, 100000)),
            "the gateway dropped packets of ours")
    bench.disconnect(client)
