"""The user's own programs: a script that makes the network, and hooks that learn of it."""

import os
import re

import gateway
import godwit
import lab
from harness import case, require, require_equal
from lab import wait_until

RECORD = "/etc/godwit/record"
VPNC_SCRIPT = "/usr/share/vpnc-scripts/vpnc-script"


def recorder(host, path=RECORD, extra=""):
    """A program that writes down what it was told, a block for each call."""
    host.write(path, "#!/bin/sh\n{ echo \"call $0\"; env | sort; } >> /etc/godwit/calls\n" + extra,
               mode=0o755)


def calls(host):
    """(program, variables) of each call, in order."""
    if host.run(["test", "-e", "/etc/godwit/calls"], check=False).returncode != 0:
        return []
    out = []
    for line in host.read("/etc/godwit/calls").splitlines():
        if line.startswith("call "):
            out.append((os.path.basename(line[5:]), {}))
        elif "=" in line:
            name, _, value = line.partition("=")
            out[-1][1][name] = value
    return out


def reasons(host):
    # The last call may still be writing.
    return [variables["reason"] for _, variables in calls(host) if "reason" in variables]


@case
def script_is_told_what_vpnc_tells(bench):
    bench.raise_lab(gateway.AGGRESSIVE)
    client = bench.client({**godwit.AGGRESSIVE, "script": f"{RECORD} 'an argument'"})
    recorder(client.host)
    require_equal(client.connect().returncode, godwit.OK, "exit code of connect")
    _, told = calls(client.host)[-1]
    require_equal(told["VPNGATEWAY"], lab.GATEWAY, "VPNGATEWAY")
    require_equal(told["TUNDEV"], client.interface, "TUNDEV")
    require_equal(told["INTERNAL_IP4_DNS"], lab.OFFICE, "INTERNAL_IP4_DNS")
    require_equal(told["CISCO_DEF_DOMAIN"], gateway.OFFICE_DOMAIN, "CISCO_DEF_DOMAIN")
    require_equal(told["CISCO_BANNER"], gateway.BANNER, "CISCO_BANNER")
    require_equal(f"{told['CISCO_SPLIT_INC_0_ADDR']}/{told['CISCO_SPLIT_INC_0_MASKLEN']}",
                  lab.OFFICE_NET, "the network")
    require(re.fullmatch(r"\d+", told["VPNPID"]), f"VPNPID: {told}")
    # The network is the script's: godwit made no address, no route and no rule.
    shown = client.host.run(["ip", "-4", "addr", "show", "dev", client.interface]).stdout
    require("inet " not in shown, f"an address: {shown}")
    # kill -9: the next command still tells the script, with what it was told at connect.
    client.kill()
    bench.disconnect(client)
    require_equal(reasons(client.host), ["pre-init", "connect", "disconnect"], "reasons")
    _, last = calls(client.host)[-1]
    changed = {name for name in told if told[name] != last.get(name)} - {"reason", "PWD", "_"}
    require(not changed, f"the script was told otherwise at disconnect: {changed}")


@case
def script_of_vpnc_makes_the_network(bench):
    bench.raise_lab(gateway.AGGRESSIVE)
    bench.lab.laptop.sh("mkdir -p /var/run/vpnc; echo 'hosts: files dns' > /etc/nsswitch.conf; "
                        "printf '# by hand\\nnameserver 192.0.2.53\\n' > /etc/resolv.conf")
    client = bench.client({**godwit.AGGRESSIVE, "script": VPNC_SCRIPT})
    bench.connect(client)
    bench.fetch(client)
    require(f"nameserver {lab.OFFICE}" in client.host.read("/etc/resolv.conf"), "DNS")
    bench.disconnect(client)
    bench.connect(client)
    client.kill()
    bench.disconnect(client)
    require("by hand" in client.host.read("/etc/resolv.conf"), "resolv.conf after kill -9")


@case
def script_that_fails_ends_the_connect(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.client({**godwit.MAIN, "script": RECORD})
    recorder(client.host, extra="[ \"$reason\" != connect ]\n")
    bench.require_refused(client, godwit.SCRIPT_FAILED, RECORD)
    require_equal(reasons(client.host), ["pre-init", "connect", "disconnect"], "reasons")


@case
def hooks_run_around_what_godwit_makes(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.client({**godwit.MAIN, "dpd-delay": "1s", "dpd-attempts": 2})
    known = ("pre-init", "connect", "post-connect", "attempt-reconnect", "post-attempt-reconnect",
             "reconnect", "disconnect", "post-disconnect")
    for reason in known:
        client.host.sh(f"mkdir -p /etc/godwit/hooks/{reason}.d")
        recorder(client.host, f"/etc/godwit/hooks/{reason}.d/{reason}")
    client.host.write("/etc/godwit/hooks/connect.d/loose", "#!/bin/sh\ntouch /etc/godwit/ran\n",
                      mode=0o777)
    done = bench.connect(client)
    require("chmod go-w" in done.stdout, f"the loose hook is not named: {done.stdout}")
    require(client.host.run(["test", "-e", "/etc/godwit/ran"], check=False).returncode,
            "a hook that others may write was run")
    bench.lab.silence_gateway()
    wait_until(lambda: "attempt-reconnect" in reasons(client.host), "attempt-reconnect", 30)
    bench.lab.end_silence()
    wait_until(lambda: "reconnect" in reasons(client.host), "reconnect", 60)
    bench.disconnect(client)
    order = list(dict.fromkeys(program for program, _ in calls(client.host)))
    require_equal(order, list(known), "order of the hooks")
