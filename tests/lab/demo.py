"""The main job, narrated; tests/lab/demo builds godwit and runs it."""

import argparse
import os
import sys

import gateway
import godwit
import harness
import lab

PICTURE = f"""
  laptop            NAPT                       gateway                    office
  {lab.LAPTOP} ---- rewrites both ports ---- {lab.GATEWAY} (strongSwan) ---- {lab.OFFICE}
"""


def say(text):
    print(f"\n-- {text}", flush=True)


def show(client, *arguments):
    print(f"$ godwit {' '.join(arguments)}", flush=True)
    done = client.command(*arguments)
    print(done.stdout + done.stderr, end="", flush=True)
    harness.require_equal(done.returncode, godwit.OK, f"exit code of godwit {arguments[0]}")


def demonstrate(bench):
    say("raising the lab in network namespaces")
    print(PICTURE)
    bench.raise_lab(gateway.AGGRESSIVE)
    client = bench.client(godwit.AGGRESSIVE)
    say("the profile, /etc/godwit/office.toml in the laptop's namespace")
    print(client.host.read("/etc/godwit/office.toml"), end="")
    say("connecting: Aggressive Mode, a group key, a user with a password")
    show(client, "connect", "office")
    say(f"fetching {bench.url} through the tunnel")
    fetched = bench.lab.fetch(client.host, bench.url)
    print(f"  fetched  sha256 {fetched}\n  original sha256 {bench.checksum}")
    harness.require_equal(fetched, bench.checksum, "checksum of the file")
    say("what the tunnel knows of itself")
    show(client, "status", "office")
    say("disconnecting; addresses, routes, rules, DNS, nftables, processes and /run are compared")
    show(client, "disconnect", "office")
    bench.require_untouched(client)


def main():
    parser = argparse.ArgumentParser(description="Shows godwit's main job in the lab.")
    parser.add_argument("--godwit", help="the client to show")
    chosen = parser.parse_args().godwit
    if chosen:
        godwit.Godwit.program = os.path.abspath(chosen)
    bench = harness.Bench()
    try:
        demonstrate(bench)
    except harness.Failed as failed:
        print(f"\ndemo: {failed}\n{bench.tails()}", file=sys.stderr)
        sys.exit(1)
    finally:
        bench.close()
    print("\ndemo: checksum matches, nothing left behind")


if __name__ == "__main__":
    main()
