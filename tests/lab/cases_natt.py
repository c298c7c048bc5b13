"""NAT traversal as only some gateways speak it: the scripted gateway plays them."""

import godwit
from harness import case, require

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


@case
def draft_00_only(bench):
    bench.raise_scripted(natt="draft-ietf-ipsec-nat-t-ike-00")
    client = bench.client(godwit.SCRIPTED)
    bench.require_refused(client, godwit.NO_NAT_TRAVERSAL, "draft-ietf-ipsec-nat-t-ike-00")
