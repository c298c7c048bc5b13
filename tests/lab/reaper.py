"""Takes a lab down, whatever happened to the program that raised it.

The lab starts this file as a process of its own and holds the other end of its standard input.
When the lab closes it, or dies in any way, kill -9 included, the read below returns and everything
that carries the lab's name goes: processes, namespaces, mounts, the folder.
"""

import os
import shutil
import signal
import subprocess
import sys
import time

# Every process of a lab carries this variable, so that one that left the lab's namespaces is found.
MARK = "GODWIT_LAB"


def namespaces(name):
    """The network namespaces of a lab. Their names begin with the lab's."""
    listing = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False)
    found = [line.split()[0] for line in listing.stdout.splitlines() if line.strip()]
    return [entry for entry in found if entry.startswith(name + "-")]


def processes(name):
    """The processes of a lab: those inside its namespaces, and those that carry its mark."""
    found = set()
    for namespace in namespaces(name):
        listing = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True,
                                 text=True, check=False)
        found.update(int(pid) for pid in listing.stdout.split())
    mark = f"{MARK}={name}".encode()
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/environ", "rb") as environ:
                if mark in environ.read().split(b"\0"):
                    found.add(int(entry))
        except OSError:
            continue  # it ended meanwhile, or it is a kernel thread
    return found - {os.getpid(), os.getppid()}


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as cmdline:
            return cmdline.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def leftovers(name, folder):
    """What is left of a lab, one line each. Empty after a clean end."""
    left = [f"process {pid}: {command_line(pid)}" for pid in sorted(processes(name))]
    left += [f"namespace {namespace}" for namespace in namespaces(name)]
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        left += [f"mount {line.split()[1]}" for line in mounts if folder in line]
    if os.path.exists(folder):
        left.append(f"folder {folder}")
    return left


def take_down(name, folder):
    # Killing is repeated because a process may start another while we look.
    for _ in range(100):
        pids = processes(name)
        if not pids:
            break
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)
    for namespace in namespaces(name):
        subprocess.run(["ip", "netns", "delete", namespace], check=False)
    shutil.rmtree(folder, ignore_errors=True)


def main():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    name, folder = sys.argv[1:3]
    sys.stdin.buffer.read()
    take_down(name, folder)


if __name__ == "__main__":
    main()
