"""NAT traversal as only some gateways speak it: the scripted gateway plays them."""

import godwit
import lab
from capture import Capture
from harness import case, require, require_equal
from lab import wait_until

DRAFT = {"nat_d": 130, "mode": 61443}


def tunnel(bench, profile, *lines, nat=True, **options):
    """A tunnel to the scripted gateway, which has to log these lines on the way."""
    bench.raise_scripted(nat=nat, **options)
    client = bench.connected(profile)
    for line in lines:
        require(bench.said(line), f"the gateway does not say '{line}'")
    return client


@case
def draft_03_only(bench):
    client = tunnel(bench, godwit.SCRIPTED, "^2 NAT-D, gateway plain, client natted",
                    "^phase 1 on port 4500", "^phase 2", natt="draft-ietf-ipsec-nat-t-ike-03",
                    **DRAFT)
    bench.disconnect(client)


@case
def draft_02_with_newline_only(bench):
    client = tunnel(bench, godwit.SCRIPTED, "^2 NAT-D, gateway plain, client natted",
                    "^phase 1 on port 4500", "^phase 2", natt="draft-ietf-ipsec-nat-t-ike-02\n",
                    **DRAFT)
    bench.disconnect(client)


# Mode Config gives an address, and says on which port ESP goes.
CISCO = {**godwit.SCRIPTED, "mode-config": True, "address": None, "nat-traversal": "cisco-udp",
         "keepalive": "1s"}
CISCO_GATEWAY = {"natt": "", "mode": 1, "esp_port": 10000, "inner": "10.60.0.9"}


@case
def cisco_udp(bench):
    client = tunnel(bench, CISCO, "^asked for the port of ESP", "^phase 1 on port 500", "^phase 2",
                    "^ESP on port 10000", **CISCO_GATEWAY)
    require(not bench.said("speaks of NAT traversal"), "the client sent a vendor ID")
    wait_until(lambda: bench.said("^keepalive on port 10000"), "a keepalive")
    status = client.status()
    require_equal((status["encapsulation"], status["floated"]), ("cisco-udp", False), "status")
    bench.disconnect(client)


@case
def cisco_udp_on_a_port_that_the_profile_does_not_allow(bench):
    bench.raise_scripted(**{**CISCO_GATEWAY, "esp_port": 12000})
    bench.require_refused(bench.client(CISCO), godwit.NO_NAT_TRAVERSAL, "port 12000",
                          "cisco-udp-port")


@case(slow=True)
def plain_esp(bench):
    client = tunnel(bench, {**godwit.SCRIPTED, "nat-traversal": "off", "esp-lifetime": "30s"},
                    "^phase 1 on port 500", "^phase 2", "^ESP on port 0", nat=False,
                    natt="", mode=1, esp_port=0)
    require(not bench.said("speaks of NAT traversal"), "the client sent a vendor ID")
    require_equal(client.status()["encapsulation"], "none", "encapsulation")
    capture = Capture(client.host, "wlan0")
    require(client.host.ping(lab.OFFICE), "no answer from the office")
    capture.stop()
    require(not [d for d in capture.datagrams() if 4500 in (d.source_port, d.target_port)],
            "something went to or from port 4500")
    # New keys: the second pair answers as well.
    wait_until(lambda: client.status()["rekeys"] > 0, "new keys", 40)
    require(client.host.ping(lab.OFFICE, seconds=5), "no answer from the office under new keys")
    bench.disconnect(client)


@case
def draft_00_only(bench):
    bench.raise_scripted(natt="draft-ietf-ipsec-nat-t-ike-00")
    client = bench.client(godwit.SCRIPTED)
    bench.require_refused(client, godwit.NO_NAT_TRAVERSAL, "draft-ietf-ipsec-nat-t-ike-00")
