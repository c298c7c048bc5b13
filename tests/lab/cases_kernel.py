"""Gateways whose ESP is a kernel's: a Debian kernel in an emulated machine."""

import dataclasses
import re
import time

import gateway
import godwit
import l2tp
import lab
from capture import Capture
from cases_connect import require_suite
from cases_rekey import require_no_loss, steady_traffic
from harness import case, require, require_equal
from lab import wait_until


def works(bench, connection, profile, esp):
    """A tunnel as against any gateway, and what only a kernel's looks like on the wire."""
    bench.raise_kernel(connection)
    client = bench.connected(profile)
    require_suite(bench, esp=esp)
    capture = Capture(bench.lab.napt, "wan")
    bench.fetch(client)
    capture.stop()
    # RFC 3948 2.1: the checksum SHOULD be zero, and zero must be taken.
    checksums = [datagram.checksum for datagram in capture.datagrams()
                 if datagram.source == lab.GATEWAY and len(datagram.payload) > 1000]
    require(len(checksums) > 500, f"{len(checksums)} large ESP packets of the gateway")
    require_equal(set(checksums), {0}, "UDP checksums of the gateway's ESP packets")
    bench.disconnect(client)
    require_equal(bench.gateway.established(), 0, "SAs at the gateway after disconnect")


@case
def kernel_main_psk(bench):
    works(bench, dataclasses.replace(gateway.MAIN, esp="aes256gcm16"), godwit.MAIN,
          "AES_GCM_16-256")


@case
def kernel_aggressive_xauth(bench):
    works(bench, dataclasses.replace(gateway.AGGRESSIVE, esp="aes256-sha256"), godwit.AGGRESSIVE,
          "AES_CBC-256/HMAC_SHA2_256_128")


@case(slow=True)
def kernel_gateway_rekeys(bench):
    bench.raise_kernel(dataclasses.replace(gateway.MAIN, esp="aes128-sha256-modp2048"))
    client = bench.connected({**godwit.MAIN, "esp": ["aes128-sha256"], "pfs": "modp2048"})
    ping = steady_traffic(client, 6, per_second=50)
    for _ in range(2):
        before = bench.gateway.logged("CHILD_SA net.* established")
        bench.gateway.swanctl("--rekey", "--child", "net")
        wait_until(lambda: bench.gateway.logged("CHILD_SA net.* established") > before,
                   "the gateway's rekey", 30)
        time.sleep(1)
    require_no_loss(ping)
    bench.fetch(client)
    bench.disconnect(client)


@case(slow=True)
def kernel_gateway_follows_a_mapping(bench):
    # The kernel notices the new port in an ESP packet and charon moves its SAs there.
    bench.raise_kernel(gateway.MAIN)
    client = bench.connected({**godwit.MAIN, "dpd-delay": "2s"})

    def port():
        return re.search(r"203\.0\.113\.1\[(\d+)\]", bench.gateway.sas()).group(1)
    old = port()
    bench.lab.forget_mappings()
    require(client.host.ping(lab.OFFICE, seconds=20), "traffic does not resume")
    require(port() != old, "the NAPT chose the same port again: no test at all")
    bench.fetch(client)
    bench.disconnect(client)


@case(slow=True)
def kernel_l2tp(bench):
    bench.raise_kernel(gateway.L2TP, laptop=True)
    l2tp.serve(bench.lab.gateway)
    capture = Capture(bench.lab.napt, "lan")
    client = bench.client(godwit.L2TP)
    require_equal(client.connect().returncode, godwit.OK, "exit code of connect")
    require("TRANSPORT-in-UDP" in bench.gateway.sas(), "the gateway does not use transport mode")
    caller = l2tp.Caller(bench.lab.laptop)
    caller.call()
    bench.fetch(client)
    bench.gateway.swanctl("--rekey", "--child", "net")
    bench.gateway.wait_for(r"CHILD_SA net\{2\} established", 60)
    bench.fetch(client)
    caller.hang_up()
    bench.disconnect(client)
    require_equal(bench.gateway.established(), 0, "SAs at the gateway after disconnect")
    capture.stop()
    ports = [(datagram.source_port, datagram.target_port) for datagram in capture.datagrams()]
    require(any(4500 in pair for pair in ports), "the capture holds no ESP")
    require(not any(1701 in pair for pair in ports), "L2TP left the laptop in the clear")
