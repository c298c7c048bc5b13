"""Gateways that name their maker, and those that do what no RFC allows; the scripted one does."""

import godwit
from harness import case, require_equal

SONICWALL = "5b362bc820f60007"
FORTIGATE = "1d6e178f6c2c0be284985465450fe9d4"


@case
def sonicwall_proves_itself_in_the_clear(bench):
    bench.raise_scripted(vendors=[SONICWALL], plain6=True)
    client = bench.connected(godwit.SCRIPTED)
    status = client.status()
    require_equal(status["gateway"]["maker"], "SonicWall", "maker")
    require_equal(status["quirks"], ["plain-main-6"], "quirks")
    bench.disconnect(client)


@case(slow=True)
def nobody_else_proves_itself_in_the_clear(bench):
    bench.raise_scripted(plain6=True)
    client = bench.client(godwit.SCRIPTED)
    bench.require_refused(client, godwit.PROTOCOL, "broke the protocol", timeout=120)


@case
def fortigate_is_named(bench):
    bench.raise_scripted(vendors=[FORTIGATE])
    client = bench.client(godwit.SCRIPTED)
    said = bench.connect(client).stdout
    require_equal("it names itself FortiGate" in said, True, "the maker among what connect says")
    require_equal(client.status()["quirks"], [], "quirks")
    bench.disconnect(client)
