"""Mode Config: who begins it, what it gives, and what Quick Mode makes of the networks in it."""

import dataclasses
import json

import gateway
import godwit
import lab
from harness import case, require, require_equal

BOTH_NETS = f"{lab.OFFICE_NET},{lab.OFFICE6_NET}"
SPLIT6 = {"subnet": lab.OFFICE6_NET}


def routes(client, family=4):
    """The destinations that the client's host routes into the tunnel."""
    listing = client.host.run(["ip", "-j", f"-{family}", "route", "show", "table", "all", "dev",
                               client.interface]).stdout
    return {route["dst"] for route in json.loads(listing or "[]")
            if route.get("table") not in (None, "local", "main")}


def tunnel(bench, profile, ping=lab.OFFICE):
    client = bench.client(profile)
    require_equal(client.connect().returncode, godwit.OK, "exit code of connect")
    require(client.host.ping(ping), f"no answer from {ping} after connect")
    return client


def pushes(bench, connection, profile):
    bench.raise_lab(dataclasses.replace(connection, pull=False))
    client = bench.connected(profile)
    require(client.address().startswith("10.60.0."), "the address is not from the pool")
    bench.fetch(client)
    bench.disconnect(client)


@case
def push_main(bench):
    pushes(bench, gateway.MAIN, {**godwit.MAIN, "mode-config": "push"})


@case
def push_main_xauth(bench):
    pushes(bench, gateway.MAIN_XAUTH, {**godwit.MAIN_XAUTH, "mode-config": "push"})


@case
def push_aggressive_xauth(bench):
    pushes(bench, gateway.AGGRESSIVE, {**godwit.AGGRESSIVE, "mode-config": "push"})


@case
def push_without_being_told(bench):
    pushes(bench, gateway.MAIN, godwit.MAIN)


@case
def both_families(bench):
    bench.raise_lab(dataclasses.replace(gateway.MAIN, pool6=True, local_ts=BOTH_NETS), ipv6=True,
                    attributes=SPLIT6)
    client = tunnel(bench, godwit.MAIN)
    require(client.host.ping(lab.OFFICE6), "no answer over IPv6")
    require_equal(routes(client), {lab.OFFICE_NET}, "IPv4 routes")
    require_equal(routes(client, 6), {lab.OFFICE6_NET}, "IPv6 routes")
    require_equal(len(client.status()["addresses"]), 2, "inner addresses")
    require_equal(bench.gateway.installed(), 2, "pairs of ESP SAs at the gateway")
    bench.fetch(client)
    bench.disconnect(client)


@case
def ipv6_alone(bench):
    bench.raise_lab(dataclasses.replace(gateway.MAIN, pool=False, pool6=True,
                                        local_ts=lab.OFFICE6_NET), ipv6=True, dns="fd00:50::2")
    client = tunnel(bench, godwit.MAIN, ping=lab.OFFICE6)
    require_equal(routes(client), set(), "IPv4 routes")
    require_equal(routes(client, 6), {lab.OFFICE6_NET}, "IPv6 routes")
    bench.disconnect(client)


@case
def ipv6_of_the_profile(bench):
    connection = dataclasses.replace(gateway.MAIN, pool=False, local_ts=lab.OFFICE6_NET,
                                     remote_ts="fd00:60::77/128")
    bench.raise_lab(connection, ipv6=True)
    client = tunnel(bench, {**godwit.MAIN, "mode-config": False, "address": "fd00:60::77",
                            "networks": [lab.OFFICE6_NET]}, ping=lab.OFFICE6)
    bench.disconnect(client)


@case
def gateway_that_refuses_ipv6(bench):
    bench.raise_lab(dataclasses.replace(gateway.MAIN, pool6=True), ipv6=True)
    client = bench.client(godwit.MAIN)
    said = bench.connect(client).stdout
    require("carries no IPv6" in said, f"connect does not say that IPv6 stays outside: {said}")
    require_equal(routes(client, 6), set(), "IPv6 routes")
    bench.fetch(client)
    bench.disconnect(client)


@case
def gateway_reached_over_ipv6(bench):
    bench.raise_lab(gateway.MAIN, ipv6=True)
    client = bench.connected({**godwit.MAIN, "gateway": lab.GATEWAY6})
    require(f"[{lab.GATEWAY6}]:4500" in client.status()["gateway"]["endpoint"],
            "the tunnel does not go to the gateway's IPv6 address")
    bench.fetch(client)
    bench.disconnect(client)


@case
def networks_of_a_gateway_without_unity(bench):
    nets = f"{lab.OFFICE_NET},{lab.OTHER_NET}"
    bench.raise_lab(dataclasses.replace(gateway.MAIN, local_ts=nets), unity=False,
                    attributes={"subnet": nets})
    bench.lab.join_other_net()
    client = bench.connected(godwit.MAIN)
    require_equal(routes(client), {lab.OFFICE_NET, lab.OTHER_NET}, "routes")
    require(client.host.ping(lab.OTHER), "no answer from the second network")
    require_equal(bench.gateway.installed(), 2, "pairs of ESP SAs at the gateway")
    bench.fetch(client)
    bench.disconnect(client)


@case
def network_that_is_refused(bench):
    # It names a network that it does not carry: one pair for each is refused, one for all is not.
    bench.raise_lab(gateway.MAIN, unity=False,
                    attributes={"subnet": f"{lab.OFFICE_NET},10.99.0.0/24"})
    client = bench.connected(godwit.MAIN)
    require_equal(bench.gateway.installed(), 1, "pairs of ESP SAs at the gateway")
    require(bench.gateway.logged("INVAL_ID") > 0, "the gateway refused nothing")
    bench.fetch(client)
    bench.disconnect(client)


@case
def narrowed_by_the_gateway(bench):
    bench.raise_lab(gateway.MAIN, unity=False)
    client = bench.connected(godwit.MAIN)
    require_equal(routes(client), {lab.OFFICE_NET}, "routes")
    bench.fetch(client)
    bench.disconnect(client)


@case
def one_pair_for_each_network(bench):
    bench.raise_lab(dataclasses.replace(gateway.MAIN,
                                        local_ts=f"{lab.OFFICE_NET},{lab.OTHER_NET}"))
    bench.lab.join_other_net()
    client = bench.connected({**godwit.MAIN, "phase2": "per-network",
                              "networks": [lab.OFFICE_NET, lab.OTHER_NET]})
    require(client.host.ping(lab.OTHER), "no answer from the second network")
    require_equal(bench.gateway.installed(), 2, "pairs of ESP SAs at the gateway")
    bench.disconnect(client)


@case
def network_outside_the_tunnel(bench):
    # Both are private, and the gateway wants a full tunnel.
    attributes = {"split-exclude": "192.168.9.0/24"}
    everything = dataclasses.replace(gateway.MAIN, local_ts="0.0.0.0/0")
    for allowed in (False, True):
        bench.raise_lab(everything, attributes=attributes)
        bench.lab.napt.ip("addr", "add", "192.168.9.1/32", "dev", "lo")
        client = bench.connected({**godwit.MAIN, "local-lan": allowed})
        require(client.host.ping(lab.INTERNET), "no full tunnel")
        require_equal(client.host.ping("192.168.9.1", seconds=1), allowed,
                      "whether the network is reached outside the tunnel")
        require_equal(client.status()["excluded"], ["192.168.9.0/24"] if allowed else [],
                      "networks outside the tunnel in status")
        bench.disconnect(client)
        bench.close()


@case
def pfs_at_the_gateways_wish(bench):
    suite = "aes256-sha256-modp2048"
    bench.raise_lab(dataclasses.replace(gateway.MAIN, ike=suite, esp=suite),
                    attributes={"28679": "1"})
    client = bench.connected({**godwit.MAIN, "ike": [suite], "esp": ["aes256-sha256"]})
    require("ESP:AES_CBC-256/HMAC_SHA2_256_128/MODP_2048" in bench.gateway.sas(),
            "phase 2 has no key exchange of its own")
    bench.fetch(client)
    bench.disconnect(client)
