"""What tests/lab/demo shows: one connect, one file, one disconnect, each step told and checked."""

import argparse
import os
import signal
import sys

import gateway
import godwit
import lab

MODES = {"aggressive": (gateway.AGGRESSIVE, godwit.AGGRESSIVE,
                        "Aggressive Mode, a group name, XAuth"),
         "main": (gateway.MAIN_XAUTH, godwit.MAIN_XAUTH, "Main Mode, XAuth")}
PICTURE = """
    laptop            NAPT                        gateway (strongSwan)       office
    192.168.77.10 --- 192.168.77.1 203.0.113.1 --- 203.0.113.2 10.50.0.1 --- 10.50.0.2
"""


class Surprise(Exception):
    """A step did not do what the story says."""


def chapter(title):
    print(f"\n== {title}", flush=True)


def shown(command, done):
    """Prints a command and what it said, and stops the story when it failed."""
    print(f"$ {command}")
    print((done.stdout + done.stderr).rstrip(), flush=True)
    if done.returncode != 0:
        raise Surprise(f"{command} ended with exit code {done.returncode}")


def expect(condition, sentence):
    if not condition:
        raise Surprise(f"not so: {sentence}")
    print(f"  yes: {sentence}", flush=True)


def story(made, mode):
    connection, profile, words = MODES[mode]
    chapter("The lab: four network namespaces, nothing of this machine changes")
    print(PICTURE)
    url, checksum = made.serve_office(8)
    peer = gateway.Gateway(made.gateway, connection)
    client = godwit.Godwit(made.laptop, profile)
    expect(not made.laptop.ping(lab.OFFICE, seconds=1),
           "without a tunnel the laptop cannot reach the office")
    before = made.laptop.snapshot()

    chapter(f"Connect ({words}); the profile is")
    print(made.laptop.read(f"/etc/godwit/{client.name}.toml"))
    shown("godwit connect office", client.connect())
    nat = client.status()["nat"]
    expect(nat["we_are_behind"], "NAT-D found that the laptop is behind NAPT")
    port = peer.logged(rf"received packet: from {lab.NAPT_OUTSIDE}\[[23]\d\d\d\d\]")
    expect(port > 0, "the gateway sees a random port: the NAPT rewrote 500 and 4500")
    if nat["gateway_is_behind"]:
        print("  (this gateway keeps ESP in user space, so it claims a NAT to get ESP in UDP)")

    chapter("A file from the office, through the tunnel")
    print(f"$ curl {url} | sha256sum")
    fetched = made.fetch(made.laptop, url)
    print(f"served  {checksum}\nfetched {fetched}")
    expect(fetched == checksum, "the checksum matches")

    chapter("Status")
    shown("godwit status office", client.command("status", client.name))

    chapter("Disconnect")
    shown("godwit disconnect office", client.disconnect())
    changed = lab.differences(before, made.laptop.snapshot())
    expect(not changed, "addresses, routes, rules, DNS, firewall and processes are as before"
           + changed)
    expect(peer.established() == 0, "the gateway was told, and has forgotten us")


def main():
    parser = argparse.ArgumentParser(prog="tests/lab/demo")
    parser.add_argument("--mode", choices=MODES, default="aggressive")
    mode = parser.parse_args().mode
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    made = lab.Lab()
    problem = None
    try:
        story(made, mode)
    except (Surprise, lab.LabError) as why:
        problem = str(why)
        print(lab.tail(os.path.join(made.gateway.folder, "strongswan", "charon.log")))
    finally:
        left = made.close()
    if problem or left:
        print(f"demo: FAILED: {problem or 'left behind: ' + '; '.join(left)}")
        return 1
    print("\ndemo: checksum matches, nothing left behind")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
