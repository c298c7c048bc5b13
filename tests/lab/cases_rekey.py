"""New keys under traffic, and gateways that go away."""

import dataclasses
import re
import time

import gateway
import godwit
import lab
from harness import case, require, require_equal
from lab import wait_until


def steady_traffic(client, seconds, per_second=100):
    """Starts pings that go on for some seconds: each is a packet out and a packet in."""
    return client.host.start(["ping", "-n", "-q", "-i", str(1 / per_second),
                              "-c", str(int(seconds * per_second)), lab.OFFICE], "ping.out")


def require_no_loss(ping):
    # On a busy machine ping falls behind its interval; it must end, not end in time.
    ping.wait(timeout=200)
    said = lab.tail(ping.log)
    require(re.search(r", 0% packet loss", said), f"packets were lost: {said}")
    require("duplicates" not in said, f"packets came twice: {said}")


def require_one_pair(bench):
    """The old SAs go once the new ones carry traffic."""
    wait_until(lambda: bench.gateway.installed() == 1, "the old ESP SAs to go", 45)


@case(slow=True)
def client_rekeys_without_loss(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.connected({**godwit.MAIN, "esp-lifetime": "30s"})
    established = bench.gateway.logged("CHILD_SA net.* established")
    require_no_loss(steady_traffic(client, 62, per_second=50))
    rekeys = bench.gateway.logged("CHILD_SA net.* established") - established
    require(rekeys >= 2, f"{rekeys} rekeys in two lifetimes")
    require_one_pair(bench)
    bench.fetch(client)
    bench.disconnect(client)


@case(slow=True)
def client_rekeys_with_pfs(bench):
    bench.raise_lab(dataclasses.replace(gateway.MAIN, esp="aes256-sha256-modp2048"))
    client = bench.connected({**godwit.MAIN, "esp": ["aes256-sha256"], "pfs": "modp2048",
                              "esp-lifetime": "30s"})
    require_no_loss(steady_traffic(client, 32, per_second=50))
    require(bench.gateway.logged("CHILD_SA net.* established") >= 2, "no rekey in a lifetime")
    bench.disconnect(client)


def gateway_rekeys(bench, connection, profile):
    bench.raise_lab(connection)
    client = bench.connected(profile)
    ping = steady_traffic(client, 8)
    for _ in range(4):
        time.sleep(1.5)
        before = bench.gateway.logged("CHILD_SA net.* established")
        bench.gateway.swanctl("--rekey", "--child", "net")
        wait_until(lambda: bench.gateway.logged("CHILD_SA net.* established") > before,
                   "the gateway's rekey")
    require_no_loss(ping)
    bench.fetch(client)
    bench.disconnect(client)


@case
def gateway_rekeys_without_loss(bench):
    gateway_rekeys(bench, gateway.MAIN, godwit.MAIN)


@case
def gateway_rekeys_with_pfs(bench):
    gateway_rekeys(bench, dataclasses.replace(gateway.MAIN, esp="aes256-sha256-modp2048"),
                   {**godwit.MAIN, "esp": ["aes256-sha256"], "pfs": "modp2048"})


@case
def gateway_rekeys_by_its_own_clock(bench):
    bench.raise_lab(dataclasses.replace(gateway.AGGRESSIVE, rekey_time=3, life_time=30))
    client = bench.connected(godwit.AGGRESSIVE)
    require_no_loss(steady_traffic(client, 11))
    require(bench.gateway.logged("CHILD_SA net.* established") >= 4, "too few rekeys")
    bench.disconnect(client)


def require_new_phase_1(bench, client, begin, seconds):
    """Pings go on while phase 1 is replaced; nothing is lost and the ESP SAs stay in use."""
    before = bench.gateway.logged("IKE_SA main.* established")
    ping = steady_traffic(client, seconds, per_second=50)
    begin()
    wait_until(lambda: bench.gateway.logged("IKE_SA main.* established") > before,
               "a new phase 1", seconds)
    require_no_loss(ping)
    wait_until(lambda: bench.gateway.established() == 1, "the old phase 1 to go", 20)
    require_equal(bench.gateway.installed(), 1, "pairs of ESP SAs")
    bench.fetch(client)
    bench.disconnect(client)
    require_equal(bench.gateway.established(), 0, "SAs at the gateway after disconnect")


@case(slow=True)
def client_replaces_phase_1(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.connected({**godwit.MAIN, "ike-lifetime": "60s"})
    require_new_phase_1(bench, client, lambda: None, 55)


@case(slow=True)
def gateway_replaces_phase_1(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.connected(godwit.MAIN)
    require_new_phase_1(bench, client,
                        lambda: bench.gateway.swanctl("--rekey", "--ike", "main"), 34)


@case
def gateway_probes_are_answered(bench):
    bench.raise_lab(dataclasses.replace(gateway.MAIN, dpd_delay=1))
    client = bench.connected({**godwit.MAIN, "dpd-delay": 0})
    time.sleep(5)
    require(bench.gateway.logged(r"parsed INFORMATIONAL_V1 request .*DPD_ACK") >= 3,
            "the gateway's probes are not answered")
    bench.fetch(client)
    bench.disconnect(client)


@case(slow=True)
def dead_gateway_is_noticed(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.connected({**godwit.MAIN, "dpd-delay": "2s", "dpd-attempts": 2,
                              "reconnect": "20s"})
    bench.gateway.kill()
    # Asked twice, then connected to anew as long as the profile says.
    wait_until(lambda: not client.pids(), "the client to give up", 60)
    bench.require_untouched(client)


@case
def gateway_that_reboots_is_connected_to_anew(bench):
    bench.raise_lab(gateway.MAIN_XAUTH)
    client = bench.connected({**godwit.MAIN_XAUTH, "dpd-delay": "2s", "dpd-attempts": 2})
    address = client.address()
    bench.gateway.kill()
    time.sleep(8)
    bench.gateway.start()
    wait_until(lambda: client.host.ping(lab.OFFICE, seconds=2), "traffic to resume", 60)
    require_equal(client.address(), address, "inner address")
    bench.fetch(client)
    bench.disconnect(client)


@case
def gateway_closes_the_tunnel(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.connected(godwit.MAIN)
    bench.gateway.swanctl("--terminate", "--ike", "main", check=False)
    wait_until(lambda: not client.pids(), "the client to end", 15)
    bench.require_untouched(client)
    bench.connect(client)
    bench.disconnect(client)


@case
def idle_tunnel_is_quiet(bench):
    # With probes switched off and no traffic, an idle tunnel says nothing but keepalives.
    bench.raise_lab(gateway.MAIN)
    client = bench.connected({**godwit.MAIN, "dpd-delay": 0})
    parsed = bench.gateway.logged("received packet")
    time.sleep(4)
    require_equal(bench.gateway.logged("received packet"), parsed, "IKE messages at the gateway")
    bench.disconnect(client)


def throttled_fetch(bench, client, seconds, per_second="3M"):
    """The office's file, again and again and never faster than a rekey can follow."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done = client.host.run(["curl", "-sS", "--max-time", "60", "--limit-rate", per_second,
                                "-o", "/dev/null", bench.url], check=False, timeout=90)
        require_equal(done.returncode, 0, f"curl: {done.stderr}")


@case
def client_rekeys_by_volume(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.connected({**godwit.MAIN, "esp-lifetime-bytes": "8MiB"})
    require(client.status()["esp"]["rekey_after_octets"] is not None, "status shows no limit")
    before = bench.gateway.logged("CHILD_SA net.* established")
    ping = steady_traffic(client, 12, per_second=20)
    throttled_fetch(bench, client, 12)
    require_no_loss(ping)
    rekeys = bench.gateway.logged("CHILD_SA net.* established") - before
    require(rekeys >= 2, f"{rekeys} rekeys by volume")
    bench.fetch(client)
    bench.disconnect(client)


@case
def gateway_rekeys_by_volume(bench):
    bench.raise_lab(dataclasses.replace(gateway.MAIN, rekey_bytes=6 << 20, life_bytes=16 << 20))
    client = bench.connected(godwit.MAIN)
    before = bench.gateway.logged("CHILD_SA net.* established")
    ping = steady_traffic(client, 12, per_second=20)
    throttled_fetch(bench, client, 12)
    require_no_loss(ping)
    rekeys = bench.gateway.logged("CHILD_SA net.* established") - before
    require(rekeys >= 2, f"{rekeys} rekeys by volume")
    bench.fetch(client)
    bench.disconnect(client)
