"""Transport mode for L2TP: UDP port 1701 of the gateway goes through ESP, and nothing else does."""

import json

import godwit
import lab
from capture import Capture
from harness import case, require, require_equal
from lab import wait_until

TRANSPORT = {"nat_oa": 21, "mode": 4}
DRAFT = {"nat": True, "nat_d": 130, "nat_oa": 131, "mode": 61444,
         "natt": "draft-ietf-ipsec-nat-t-ike-03"}

# One datagram from port 1701 to the gateway's, and what came back within a while.
TALK = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", int(sys.argv[2])))
s.settimeout(float(sys.argv[4]))
s.sendto(bytes.fromhex(sys.argv[3]), (sys.argv[1], 1701))
try:
    print(s.recv(65535).hex())
except OSError:
    print("nothing")
"""


def talk(client, words, port=1701, seconds=2):
    """The echo of some octets, as octets; None when none came."""
    done = client.host.run(["/usr/bin/python3", "-c", TALK, lab.GATEWAY, str(port), words.hex(),
                            str(seconds)], check=False)
    answer = done.stdout.strip()
    return None if answer in ("", "nothing") else bytes.fromhex(answer)


def connected(bench, profile=godwit.L2TP, **options):
    bench.raise_scripted(**{**TRANSPORT, **options})
    client = bench.client(profile)
    require_equal(client.connect().returncode, godwit.OK, "exit code of connect")
    return client


def require_echo(client, words=b"a control message", **options):
    require_equal(talk(client, words, **options), words, "echo of L2TP")


@case
def l2tp_transport(bench):
    bench.raise_scripted(**TRANSPORT)
    client = bench.client(godwit.L2TP)
    capture = Capture(bench.lab.laptop, "wlan0")
    require_equal(client.connect().returncode, godwit.OK, "exit code of connect")
    require(bench.said(f"original addresses {lab.LAPTOP} {lab.GATEWAY}$"),
            "the gateway was not told our own address and its own")
    require_echo(client)
    # A PPP packet of 1500 octets and what L2TP puts around it; ESP around that is cut on its way.
    require_echo(client, bytes(range(256)) * 6)
    for words in ("wrong UDP checksum", "other IDs", "^UDP "):
        require(not bench.said(words), f"the gateway says '{words}'")
    require(client.status()["l2tp"], "status does not say that this is L2TP")
    # Another source port is not what was agreed on: no answer, and nothing in the clear.
    require(talk(client, b"elsewhere", port=1702, seconds=0.5) is None, "an answer to port 1702")
    require(client.drops().get("outside-selectors"), "the other port was not counted")
    capture.stop()
    plain = [d for d in capture.datagrams() if 1701 in (d.source_port, d.target_port)]
    require(not plain, f"{len(plain)} plaintext datagrams of L2TP on the wire")
    require([d for d in capture.datagrams() if d.target_port == 4500], "nothing in the capture")
    bench.disconnect(client)


@case
def l2tp_gateway_of_draft_03(bench):
    client = connected(bench, **DRAFT)
    require(bench.said(f"original addresses {lab.LAPTOP}$"), "no original address")
    require_echo(client)
    bench.disconnect(client)


@case
def l2tp_without_nat(bench):
    client = connected(bench, nat=False)
    require_echo(client)
    bench.disconnect(client)


@case
def l2tp_with_strict_reverse_path_filter(bench):
    bench.raise_scripted(**TRANSPORT)
    bench.lab.laptop.sysctl(net__ipv4__conf__all__rp_filter=1)
    client = bench.client(godwit.L2TP)
    require_equal(client.connect().returncode, godwit.OK, "exit code of connect")
    require_echo(client)
    bench.disconnect(client)


@case
def l2tp_leaves_other_traffic_alone(bench):
    client = connected(bench)

    def way(*selector):
        found = client.host.run(["ip", "-j", "route", "get", lab.GATEWAY, *selector]).stdout
        return json.loads(found)[0]["dev"]
    require_equal(way("ipproto", "udp", "dport", "1701"), client.interface, "the way of L2TP")
    for selector in ((), ("ipproto", "udp", "dport", "53"), ("ipproto", "tcp", "dport", "1701")):
        require_equal(way(*selector), "wlan0", f"the way to the gateway of {selector}")
    bench.disconnect(client)


@case
def l2tp_killed(bench):
    """kill -9: until somebody cleans up, L2TP is held back, not sent in the clear."""
    client = connected(bench)
    require_echo(client)
    capture = Capture(bench.lab.laptop, "wlan0")
    client.kill()
    require(talk(client, b"nobody listens", seconds=0.5) is None, "an answer from nowhere")
    capture.stop()
    plain = [d for d in capture.datagrams() if 1701 in (d.source_port, d.target_port)]
    require(not plain, f"{len(plain)} plaintext datagrams of L2TP after kill -9")
    require_equal(client.connect().returncode, godwit.OK, "exit code of connect")
    require_echo(client)
    client.kill()
    bench.disconnect(client)


@case
def l2tp_in_another_network(bench):
    client = connected(bench)
    require_echo(client)
    laptop = bench.lab.laptop
    laptop.ip("addr", "del", f"{lab.LAPTOP}/24", "dev", "wlan0")
    laptop.ip("addr", "add", "192.168.77.20/24", "dev", "wlan0")
    laptop.ip("route", "add", "default", "via", lab.NAPT_INSIDE)
    wait_until(lambda: talk(client, b"still here?", seconds=1) == b"still here?",
               "L2TP from the other network", 20)
    laptop.ip("addr", "del", "192.168.77.20/24", "dev", "wlan0")
    laptop.ip("addr", "add", f"{lab.LAPTOP}/24", "dev", "wlan0")
    laptop.ip("route", "add", "default", "via", lab.NAPT_INSIDE)
    bench.disconnect(client)


@case
def l2tp_refuses_what_ppp_decides(bench):
    bench.raise_scripted(**TRANSPORT)
    client = bench.client({**godwit.L2TP, "networks": ["10.0.0.0/8"]})
    done = client.connect()
    require(done.returncode != godwit.OK, "networks with l2tp")
    require("PPP" in done.stderr, f"no word about PPP: {done.stderr}")
