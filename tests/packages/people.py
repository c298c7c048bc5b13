"""Who uses the installed system: members of the group godwit, others, and whoever is asked."""

import re

import gateway
import lab
from checks import require

PERMISSION = 4


def as_user(system, name, *argv):
    return system.run("runuser", "-u", name, "--", *argv, check=False)


def members(system, host, unit, untouched):
    """Who is in the group connects what root wrote down, by polkit; nobody else does."""
    system.run("useradd", "--groups", "godwit", "alice")
    system.run("useradd", "bob")
    done = as_user(system, "bob", "godwit", "connect", "office")
    require(done.returncode == PERMISSION and "usermod -aG godwit" in done.stderr,
            f"who is not in the group: {done.returncode} {done.stderr}")
    require(system.shown(unit, "ActiveState") == "inactive", "who is not in the group connected")
    done = as_user(system, "alice", "godwit", "connect", "office")
    require(done.returncode == 0, f"a member: {done.returncode} {done.stderr}{system.journal()}")
    require(host.ping(lab.OFFICE), "no answer from the office")
    shown = as_user(system, "alice", "godwit", "status", "office")
    require(shown.returncode == 0 and "up" in shown.stdout, f"status: {shown.stdout}{shown.stderr}")
    shown = as_user(system, "bob", "godwit", "status", "office")
    require(shown.returncode != 0, f"who is not in the group sees: {shown.stdout}")
    require(as_user(system, "bob", "godwit", "disconnect", "office").returncode != 0,
            "who is not in the group ended the tunnel")
    require(host.ping(lab.OFFICE), "the tunnel is gone")
    done = as_user(system, "alice", "godwit", "disconnect", "office")
    require(done.returncode == 0, f"disconnect: {done.returncode} {done.stderr}")
    system.wait("the unit to end", lambda: system.shown(unit, "ActiveState") == "inactive")
    untouched("a member's disconnect")


def asked(system, host, unit, write_profile):
    """The password comes from whoever sits at the machine (systemd-ask-password(1))."""
    write_profile(system, **{"password-file": None, "askpass": "/usr/bin/systemd-ask-password"})
    system.run("systemctl", "start", "--no-block", unit)

    def question():
        return system.run("sh", "-c", "cat /run/systemd/ask-password/ask.*", check=False).stdout

    system.wait("the question", lambda: "Socket=" in question())
    text = question()
    require("Message=" in text and "office" in text, f"the question does not say for what: {text}")
    socket = re.search(r"^Socket=(.*)$", text, re.M).group(1)
    system.run("sh", "-c", f"printf '{gateway.PASSWORD}' | "
               f"/lib/systemd/systemd-reply-password 1 {socket}")
    system.wait("the tunnel", lambda: system.shown(unit, "ActiveState") == "active")
    require(host.ping(lab.OFFICE), "no answer from the office")
    system.run("systemctl", "stop", unit)
    write_profile(system)
