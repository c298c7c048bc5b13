"""Other gateways than the first: where a balancer sends us, and who stands in for a silent one."""

import gateway
import godwit
import lab
from harness import case, require, require_equal
from lab import wait_until

# Of a balancer that is scripted, and sends to a strongSwan gateway.
BALANCED = {**godwit.MAIN, "gateway": lab.SECOND_GATEWAY, "ike": ["aes256-sha256-modp2048"]}


def require_gateway(client, address, chosen):
    shown = client.status()["gateway"]
    require_equal((shown["endpoint"].partition(":")[0], shown["chosen"]), (address, chosen),
                  "the gateway, and who chose it")


@case
def redirect_is_followed(bench):
    bench.raise_lab(gateway.MAIN)
    balancer = bench.start_scripted(bench.lab.raise_second_gateway(), lab.SECOND_GATEWAY,
                                    redirect=lab.GATEWAY)
    client = bench.client(BALANCED)
    done = bench.connect(client)
    require(bench.said(f"^redirect to {lab.GATEWAY}", balancer), "the balancer did not redirect")
    require(f"the gateway {lab.SECOND_GATEWAY} sends us to the gateway {lab.GATEWAY}"
            in done.stdout, f"the redirect is not told: {done.stdout}")
    require_gateway(client, lab.GATEWAY, "redirect")
    bench.fetch(client)
    bench.disconnect(client)


@case
def redirect_in_a_circle(bench):
    bench.raise_scripted(redirect=lab.SECOND_GATEWAY)
    bench.start_scripted(bench.lab.raise_second_gateway(), lab.SECOND_GATEWAY,
                         redirect=lab.GATEWAY)
    bench.require_refused(bench.client({**BALANCED, "gateway": lab.GATEWAY}), godwit.REDIRECTED,
                          "from one to another")


@case
def backup_gateway_of_the_profile(bench):
    bench.raise_lab(gateway.MAIN)
    bench.lab.raise_second_gateway()  # where nothing listens
    client = bench.client({**godwit.MAIN, "gateway": lab.SECOND_GATEWAY,
                           "backup-gateways": [lab.GATEWAY]})
    done = bench.connect(client)
    require(f"trying the gateway {lab.GATEWAY}" in done.stdout, "the change is not told")
    require_gateway(client, lab.GATEWAY, "backup")
    bench.fetch(client)
    bench.disconnect(client)


@case(slow=True)
def backup_gateway_that_the_gateway_named(bench):
    bench.raise_lab(gateway.MAIN)
    first = gateway.Gateway(bench.lab.raise_second_gateway(), gateway.MAIN,
                            attributes={"28681": lab.GATEWAY})
    bench.lab.office.ip("route", "add", lab.POOL, "via", lab.SECOND_INSIDE)
    client = bench.connected({**godwit.MAIN, "gateway": lab.SECOND_GATEWAY, "dpd-delay": "2s",
                              "dpd-attempts": 2})
    address = client.address()
    require_gateway(client, lab.SECOND_GATEWAY, "profile")
    first.kill()
    bench.lab.office.ip("route", "del", lab.POOL)
    wait_until(lambda: client.host.ping(lab.OFFICE, seconds=2), "traffic to resume", 120)
    require_equal(client.address(), address, "inner address")
    require_gateway(client, lab.GATEWAY, "backup")
    bench.fetch(client)
    bench.disconnect(client)


@case(slow=True)
def gateway_whose_name_leads_elsewhere(bench):
    bench.raise_lab(gateway.MAIN)
    first = gateway.Gateway(bench.lab.raise_second_gateway(), gateway.MAIN)
    bench.lab.office.ip("route", "add", lab.POOL, "via", lab.SECOND_INSIDE)
    bench.lab.laptop.write("/etc/hosts", f"{lab.SECOND_GATEWAY} vpn.example.com\n")
    client = bench.connected({**godwit.MAIN, "gateway": "vpn.example.com", "dpd-delay": "2s",
                              "dpd-attempts": 2})
    address = client.address()
    require_gateway(client, lab.SECOND_GATEWAY, "profile")
    # A home router that was given another address at night, and told its provider of names.
    first.kill()
    bench.lab.office.ip("route", "del", lab.POOL)
    bench.lab.laptop.write("/etc/hosts", f"{lab.GATEWAY} vpn.example.com\n")
    wait_until(lambda: client.host.ping(lab.OFFICE, seconds=2), "traffic to resume", 60)
    require_equal(client.address(), address, "inner address")
    require_gateway(client, lab.GATEWAY, "profile")
    bench.fetch(client)
    bench.disconnect(client)
