"""The .deb in a fresh system that is the laptop of the lab, from apt install to apt purge."""

import json
import os
import re
import shutil
import subprocess

import container
import gateway
import godwit
import lab
import people
from checks import require, require_no_difference, run

UNIT = "godwit@office.service"
CLOSED = "godwit-closed@office.service"
NETWORK = ("links", "ipv4 routes", "ipv6 routes", "ipv4 rules", "ipv6 rules", "nftables")
NET_ADMIN, NET_BIND_SERVICE, NET_RAW = 12, 10, 13


def network(host):
    state = host.snapshot()
    return {key: state[key] for key in NETWORK}


def next_version(bench):
    """The same package with a higher version, as an upgrade brings it."""
    folder = os.path.join(bench.folder, "second")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(bench.unpacked(), folder, symlinks=True)
    control = os.path.join(folder, "DEBIAN/control")
    with open(control, encoding="utf-8") as file:
        text = file.read()
    with open(control, "w", encoding="utf-8") as file:
        file.write(re.sub(r"^Version: .*", "Version: 9.0-1", text, flags=re.M))
    run("dpkg-deb", "--root-owner-group", "-b", folder, folder + ".deb")
    return folder + ".deb"


def write_profile(system, **changes):
    # The key as a credential of the service manager, the rest as in the lab's other cases.
    keys = {"gateway": lab.GATEWAY, "interface": "gw-lab", **godwit.MAIN_XAUTH,
            "psk-file": f"/run/credentials/{UNIT}/psk", "password-file": "/etc/godwit/password",
            **changes}
    system.put("/etc/godwit/office.toml",
               "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items()
                   if value is not None))
    system.put("/etc/godwit/office.psk", gateway.PSK + "\n", 0o600)
    system.put("/etc/godwit/password", gateway.PASSWORD + "\n", 0o600)
    system.put(f"/etc/systemd/system/{UNIT}.d/key.conf",
               "[Service]\nLoadCredential=psk:/etc/godwit/office.psk\nRestartSec=1\n")


def require_confined(system):
    pid = system.shown(UNIT, "MainPID")
    status = system.run("cat", f"/proc/{pid}/status").stdout
    bounds = int(re.search(r"^CapBnd:\s*(\w+)", status, re.M).group(1), 16)
    require(bounds & ~(1 << NET_ADMIN | 1 << NET_BIND_SERVICE | 1 << NET_RAW) == 0,
            f"capabilities {bounds:x}")
    require(re.search(r"^Seccomp:\s*2$", status, re.M), "no filter of system calls")
    require(re.search(r"^NoNewPrivs:\s*1$", status, re.M), "new privileges")


def require_up(system, host):
    require(system.shown(UNIT, "ActiveState") == "active", system.journal())
    said = system.shown(UNIT, "StatusText")
    require(said.startswith("up, our address is"), f"systemctl status says '{said}'")
    require(host.ping(lab.OFFICE), "no answer from the office")


def killed(system, host):
    """kill -9: what it left is undone, and the unit starts again."""
    before = system.shown(UNIT, "MainPID")
    system.run("systemctl", "kill", "--signal=KILL", "--kill-who=main", UNIT)
    system.wait("the unit to start again",
                lambda: system.shown(UNIT, "ActiveState") == "active"
                and system.shown(UNIT, "MainPID") != before, 60)
    require(system.shown(UNIT, "NRestarts") == "1", "it was not restarted once")
    require_up(system, host)


def refused(system, untouched):
    """A wrong password is tried once."""
    system.put("/etc/godwit/password", "wrong\n", 0o600)
    done = system.run("systemctl", "start", UNIT, check=False)
    require(done.returncode != 0, "a wrong password was accepted")
    system.run("sleep", "3")
    require(system.shown(UNIT, "ExecMainStatus") == str(godwit.USER_REJECTED), system.journal())
    require(system.shown(UNIT, "ActiveState") == "failed", "it is tried again")
    require(system.shown(UNIT, "NRestarts") == "0", "it was tried again")
    untouched("a refused connect")
    system.put("/etc/godwit/password", gateway.PASSWORD + "\n", 0o600)
    system.run("systemctl", "reset-failed", UNIT)


def foreign(system, host):
    """A tunnel made by hand is not the unit's to take down."""
    system.put("/etc/godwit/hand.psk", gateway.PSK + "\n", 0o600)
    system.run("godwit", "connect", "office", "--psk-file", "/etc/godwit/hand.psk")
    done = system.run("systemctl", "start", UNIT, check=False)
    require(done.returncode != 0, "the unit connected twice")
    require(system.shown(UNIT, "ExecMainStatus") == str(godwit.ALREADY_CONNECTED), system.journal())
    require(host.ping(lab.OFFICE), "the unit took down a tunnel made by hand")
    system.run("godwit", "disconnect", "office")
    system.run("systemctl", "reset-failed", UNIT)


def closed(system, host, untouched):
    """The kill switch from boot on, whatever the manager does with the tunnel, until disconnect."""
    before = system.shown(CLOSED, "Before").split()
    require("network-pre.target" in before, f"the network does not wait: {before}")
    write_profile(system, **{"kill-switch": "on"})
    system.run("systemctl", "start", CLOSED)

    def require_closed(after):
        require(not host.ping(lab.NAPT_INSIDE, 1), f"open after {after}: {system.journal()}")

    require_closed("a boot")
    system.run("systemctl", "start", UNIT)
    require_up(system, host)
    system.run("systemctl", "restart", UNIT)
    require_up(system, host)
    require_closed("a restart")
    system.run("systemctl", "stop", UNIT)
    require_closed("stop")
    system.run("systemctl", "stop", CLOSED)
    require_closed("stop of the unit that closed it")
    system.run("godwit", "disconnect", "office")
    require(host.ping(lab.NAPT_INSIDE), "disconnect opened nothing")
    untouched("disconnect of a closed machine")
    write_profile(system)


def upgraded(system, host, package):
    before = system.shown(UNIT, "MainPID")
    shutil.copy(package, system.tree + "/second.deb")
    system.run("apt-get", "install", "-y", "-qq", "/second.deb")
    os.remove(system.tree + "/second.deb")
    require(system.run("dpkg-query", "-W", "-f", "${Version}", "godwit").stdout == "9.0-1",
            "it was not upgraded")
    require(system.shown(UNIT, "MainPID") == before, "the upgrade ended the tunnel")
    require_up(system, host)


def life(bench):
    system = container.System(bench)
    world = None
    try:
        without = system.files()
        shutil.copy(bench.deb, system.tree + "/first.deb")
        system.offline("apt-get", "install", "-y", "-qq", "--no-install-recommends", "./first.deb")
        os.remove(system.tree + "/first.deb")
        installed = system.files()
        world = lab.Lab()
        gateway.Gateway(world.gateway, gateway.MAIN_XAUTH)
        host = world.laptop
        clean = network(host)
        system.boot(host.namespace)

        def untouched(after):
            require_no_difference(clean, network(host), f"the network after {after}")

        system.wait("the system to settle", lambda: network(host) == clean, 10)
        write_profile(system)
        system.run("systemctl", "daemon-reload")
        system.run("systemctl", "start", UNIT)
        require_up(system, host)
        require_confined(system)
        killed(system, host)
        system.run("systemctl", "stop", UNIT)
        untouched("stop")
        refused(system, untouched)
        foreign(system, host)
        closed(system, host, untouched)
        people.members(system, host, UNIT, untouched)
        people.asked(system, host, UNIT, write_profile)
        untouched("an answered question")
        system.run("systemctl", "start", UNIT)
        upgraded(system, host, next_version(bench))
        system.run("apt-get", "remove", "-y", "-qq", "godwit")
        require(not host.ping(lab.OFFICE, 1), "the tunnel outlived the package")
        untouched("remove")
        require(os.path.exists(system.tree + "/etc/godwit/office.toml"), "remove took the profile")
        system.run("apt-get", "purge", "-y", "-qq", "godwit")
        require(system.run("getent", "group", "godwit", check=False).returncode != 0,
                "the group is still there")
        shutil.rmtree(f"{system.tree}/etc/systemd/system/{UNIT}.d")
        left = (system.files() - without) - dependencies(system)
        require(not left, f"left behind: {sorted(left)}")
        return f"{len(installed - without)} files with those of its libraries"
    finally:
        system.close()
        if world is not None:
            left = world.close()
            require(not left, "left behind: " + "; ".join(left))


def dependencies(system):
    """What the libraries brought that came along: they stay until autoremove."""
    listed = subprocess.run(f"cat {system.tree}/var/lib/dpkg/info/*.list", shell=True, check=True,
                            capture_output=True, text=True).stdout
    found = set()
    for line in listed.splitlines():
        found.add(line.lstrip("/"))
        found.add("usr" + line)
    return found
