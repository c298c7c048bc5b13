"""Who is behind a NAT: the gateway as well, or the gateway alone, and gateways on other ports."""

import gateway
import godwit
import lab
from cases_rekey import require_no_loss, steady_traffic
from harness import case, require, require_equal
from lab import wait_until

MAPPED = {1500: 500, 14500: 4500}


def require_nat(client, ours, gateways):
    nat = client.status()["nat"]
    require_equal((nat["we_are_behind"], nat["gateway_is_behind"]), (ours, gateways),
                  "who is behind a NAT: we, the gateway")
    require(not nat["forced"], "a NAT was claimed beside those that are there")


def require_endpoint(client, port):
    require_equal(client.status()["gateway"]["endpoint"], f"{lab.GATEWAY}:{port}",
                  "where the tunnel goes")


def rekeys(bench, client):
    """New keys from the gateway's side, and no packet lost."""
    ping = steady_traffic(client, 6)
    before = bench.gateway.logged("CHILD_SA net.* established")
    bench.gateway.swanctl("--rekey", "--child", "net")
    wait_until(lambda: bench.gateway.logged("CHILD_SA net.* established") > before,
               "the gateway's rekey")
    require_no_loss(ping)


def replaces_phase_1(bench, seconds=70):
    """Of a client whose ike-lifetime is one minute."""
    wait_until(lambda: bench.gateway.logged("IKE_SA main.* established") > 1, "a new phase 1",
               seconds)


@case
def nat_at_the_gateway(bench):
    bench.raise_lab(gateway.MAIN, nat=False, edge=lab.FORWARDED)
    client = bench.connected({**godwit.MAIN, "keepalive": "1s"})
    require_nat(client, False, True)
    rekeys(bench, client)
    require_endpoint(client, 4500)
    require_equal(client.status()["keepalives_sent"], 0, "keepalives; we are behind no NAT")
    bench.fetch(client)
    bench.disconnect(client)


@case
def nat_on_both_sides(bench):
    bench.raise_lab(gateway.AGGRESSIVE, edge=lab.FORWARDED)
    client = bench.connected(godwit.AGGRESSIVE)
    require_nat(client, True, True)
    rekeys(bench, client)
    require_endpoint(client, 4500)
    bench.fetch(client)
    bench.disconnect(client)


@case(slow=True)
def gateway_on_other_ports(bench):
    bench.raise_lab(gateway.MAIN, edge=MAPPED)
    client = bench.connected({**godwit.MAIN, "gateway-port": 1500, "gateway-natt-port": 14500,
                              "ike-lifetime": "60s"})
    require_nat(client, True, True)
    rekeys(bench, client)
    replaces_phase_1(bench)
    require_endpoint(client, 14500)
    bench.fetch(client)
    bench.disconnect(client)


@case(slow=True)
def gateway_on_other_ports_that_the_profile_does_not_name(bench):
    bench.raise_lab(gateway.MAIN, edge={500: 500, 14500: 4500})
    bench.require_refused(bench.client(godwit.MAIN), godwit.NO_ANSWER_AFTER_FLOAT,
                          f"{lab.GATEWAY} UDP port 4500", "gateway-natt-port", timeout=120)


@case(slow=True)
def gateway_whose_port_floats(bench):
    bench.raise_lab(gateway.MAIN, nat=False, edge=lab.FORWARDED, floating=True)
    client = bench.connected({**godwit.MAIN, "ike-lifetime": "60s"})
    require_nat(client, False, True)
    # RFC 3947 7: behind no NAT ourselves, we follow.
    require_endpoint(client, lab.FLOATED[4500])
    rekeys(bench, client)
    # It starts where the tunnel lives.
    replaces_phase_1(bench)
    require_endpoint(client, lab.FLOATED[4500])
    bench.fetch(client)
    bench.disconnect(client)
