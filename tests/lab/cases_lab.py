"""The lab proves itself: vpnc works in it, and it goes away whatever happens."""

import os
import signal
import subprocess
import sys

import gateway
import lab
import reaper
from harness import case, require, require_equal, require_guests
from lab import wait_until
from vpnc import Vpnc


@case
def lab_works_with_vpnc(bench):
    bench.raise_lab(gateway.VPNC)
    require(not bench.lab.laptop.ping(lab.OFFICE, seconds=1), "the office is reachable untunnelled")
    client = Vpnc(bench.lab.laptop)
    client.connect()
    require_equal(bench.lab.fetch(bench.lab.laptop, bench.url), bench.checksum, "checksum")
    port = bench.gateway.wait_for(rf"{lab.NAPT_OUTSIDE}\[[23]\d\d\d\d\]")
    require(port, "the NAPT did not rewrite the source port")
    client.disconnect()
    wait_until(lambda: bench.gateway.established() == 0, "vpnc's SA to be deleted")


def reaped_after_kill_9(*lines):
    """A lab is raised by a process of its own, which is then killed."""
    script = "\n".join(("import lab", "made = lab.Lab()", *lines,
                        "print(made.name, made.folder, flush=True)",
                        "import signal; signal.pause()"))
    child = subprocess.Popen([sys.executable, "-B", "-c", script], stdout=subprocess.PIPE,
                             text=True, cwd=os.path.dirname(os.path.abspath(__file__)))
    name, folder = child.stdout.readline().split()
    require(len(reaper.leftovers(name, folder)) > 6, "the lab was not raised")
    child.send_signal(signal.SIGKILL)
    child.wait()
    wait_until(lambda: not reaper.leftovers(name, folder), "the lab to be reaped", 20)


@case
def lab_is_reaped_after_kill_9(_bench):
    reaped_after_kill_9("import gateway", "made.serve_office(1)",
                        "gateway.Gateway(made.gateway, gateway.MAIN)")


@case
def guest_is_reaped_after_kill_9(_bench):
    require_guests()
    reaped_after_kill_9("import guest", "guest.Guest(made.gateway)")
