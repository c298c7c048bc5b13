"""A connect that ends at each of its steps: by Ctrl-C, by kill -9, by a gateway that refuses. The
scripted gateway stops where it is told to, a hook stops what godwit does by itself."""

import os
import time

import godwit
import lab
import scripted
from harness import case, require, require_equal
from lab import wait_until

PROFILE = {**godwit.SCRIPTED, "mode-config": True, "address": None, "networks": [lab.OFFICE_NET]}
# What the gateway says at each step (RFC 2408 3.14.1), and how the connect ends. What nobody proved
# is a hint, so the client goes on to wait.
NO_PROPOSAL_CHOSEN, INVALID_KEY_INFORMATION, AUTHENTICATION_FAILED = 14, 17, 24
REFUSALS = {"main 1": (NO_PROPOSAL_CHOSEN, godwit.WAIT_OVER),
            "main 3": (INVALID_KEY_INFORMATION, godwit.WAIT_OVER),
            "main 5": (AUTHENTICATION_FAILED, godwit.WAIT_OVER),
            "transaction": (AUTHENTICATION_FAILED, godwit.WE_ARE_REFUSED),
            "quick 1": (NO_PROPOSAL_CHOSEN, godwit.PHASE2_REFUSED)}


def play(bench, **options):
    """The gateway anew, with these options."""
    bench.gateway.terminate()
    bench.gateway.wait()
    os.remove(bench.gateway.log)
    bench.gateway = bench.start_scripted(bench.lab.gateway, inner="10.60.0.9", **options)


def ended_at_each_step(bench, end):
    """Connects, ends it by end(client, process) where the gateway falls silent or a hook waits, and
    requires the machine to be as it was, each time; then a connect succeeds."""
    bench.raise_scripted(inner="10.60.0.9")
    client = bench.client(PROFILE)
    for step in scripted.STEPS:
        play(bench, silent_at=step)
        process = client.start_connect()
        wait_until(lambda step=step: bench.said(f"^silent at {step}"), step)
        end(client, process)
        bench.require_untouched(client)
    play(bench)
    for reason in ("pre-init", "connect", "post-connect"):
        client.host.sh(f"rm -rf /etc/godwit/hooks; mkdir -p /etc/godwit/hooks/{reason}.d")
        client.host.write(f"/etc/godwit/hooks/{reason}.d/slow",
                          "#!/bin/sh\ntouch /etc/godwit/waits\nsleep 2\n", mode=0o755)
        process = client.start_connect()
        wait_until(lambda: client.host.run(["test", "-e", "/etc/godwit/waits"],
                                           check=False).returncode == 0, reason)
        end(client, process)
        client.host.sh("rm -rf /etc/godwit/waits")
        wait_until(lambda: not client.host.pids("sleep"), "the hook to end")
        bench.require_untouched(client)
    client.host.sh("rm -rf /etc/godwit/hooks")
    bench.connect(client)
    bench.disconnect(client)


@case
def ctrl_c_at_each_step(bench):
    def end(_client, process):
        time.sleep(0.1)
        require_equal(godwit.interrupt(process), godwit.INTERRUPTED, "exit code after Ctrl-C")
    ended_at_each_step(bench, end)


@case
def kill_9_at_each_step(bench):
    def end(client, process):
        client.kill()
        process.wait(timeout=10)
        client.disconnect()
    ended_at_each_step(bench, end)


@case
def refused_at_each_step(bench):
    bench.raise_scripted(inner="10.60.0.9")
    client = bench.client(PROFILE)
    for step, (notify, code) in REFUSALS.items():
        play(bench, refuses_at=step, notify=notify)
        done = client.connect("--wait", "3")
        require(bench.said(f"^refused at {step}"), f"the gateway was not asked at {step}")
        require_equal(done.returncode, code, f"exit code of a refusal at {step}")
        bench.require_untouched(client)
    play(bench)
    bench.connect(client)
    bench.disconnect(client)
