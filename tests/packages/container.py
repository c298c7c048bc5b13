"""A fresh Debian system in a folder, and systemd booted in it as a host of the lab."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

import checks
from checks import Failed, Skipped, require

# What a minimal system of debootstrap has no init, no bus and no tools without.
INCLUDED = "systemd,systemd-sysv,dbus,libpam-systemd,polkitd,iproute2,iputils-ping,curl,nftables"


def mirror():
    """Where this machine's apt has its main packages from, and their suite."""
    listed = checks.run("apt-get", "indextargets", "Created-By: Packages",
                        "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT)")
    suite = re.search(r"^VERSION_CODENAME=(\w+)$", open("/etc/os-release", encoding="utf-8").read(),
                      re.M)
    for line in listed.splitlines():
        words = line.split()
        if suite and len(words) == 3 and words[1:] == [suite.group(1), "main"]:
            return words[0], words[1]
    raise Skipped("apt names no mirror of this system's suite")


def base(bench):
    """The tree of debootstrap, made once; its name says what is in it."""
    folder = os.path.join(bench.folder, "base-" + INCLUDED.replace(",", "-"))
    if os.path.isdir(folder):
        return folder
    for program in ("debootstrap", "systemd-nspawn"):
        if not shutil.which(program):
            raise Skipped(f"there is no {program}")
    uri, suite = mirror()
    shutil.rmtree(folder + ".new", ignore_errors=True)
    checks.run("debootstrap", "--variant=minbase", f"--include={INCLUDED}", suite, folder + ".new",
               uri)
    os.rename(folder + ".new", folder)
    return folder


class System:
    """What the base becomes, kept in memory; offline() before boot(), run() after it."""

    def __init__(self, bench):
        below = base(bench)
        self.memory = tempfile.mkdtemp(prefix="godwit-system-")
        checks.run("mount", "-t", "tmpfs", "-o", "mode=755", "godwit-system", self.memory)
        self.tree = os.path.join(self.memory, "tree")
        for name in ("changed", "work", "tree"):
            os.mkdir(os.path.join(self.memory, name))
        checks.run("mount", "-t", "overlay", "-o",
                   f"lowerdir={below},upperdir={self.memory}/changed,workdir={self.memory}/work",
                   "godwit-system", self.tree)
        self.archives = os.path.join(bench.folder, "archives")
        os.makedirs(os.path.join(self.archives, "partial"), exist_ok=True)
        self.process = None
        self.leader = None

    def offline(self, *argv):
        """Runs a command in the tree, without an init, with the network of this machine."""
        return checks.run("systemd-nspawn", "--register=no", "--keep-unit", "-q", "--pipe",
                          "--resolv-conf=bind-host",
                          f"--bind={self.archives}:/var/cache/apt/archives",
                          "-D", self.tree, "--", *argv)

    def put(self, path, text, mode=0o644):
        full = self.tree + path
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(full, mode)

    def boot(self, namespace):
        """systemd as init, in the network namespace of a host of the lab."""
        log = open(self.tree + ".log", "w", encoding="utf-8")
        self.process = subprocess.Popen(
            ["systemd-nspawn", "--register=no", "--keep-unit", "-q", "--boot", "-D", self.tree,
             f"--network-namespace-path=/run/netns/{namespace}", "--capability=CAP_NET_ADMIN",
             "--bind=/dev/net/tun", "--resolv-conf=off", "--console=read-only"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            self.leader = self.leader or self.find_leader()
            if self.leader:
                state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
                if state in ("running", "degraded"):
                    # systemd-nspawn shows the container another ID of this boot, but not to units
                    # with a /proc of their own: on a real machine both see the same.
                    self.run("umount", "/proc/sys/kernel/random/boot_id", check=False)
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.3)
        said = open(self.tree + ".log", encoding="utf-8", errors="replace").read()[-600:]
        raise Skipped(f"systemd does not run in a container here: {said}")

    def find_leader(self):
        """The container's init: the child of systemd-nspawn whose own number is 1 inside."""
        listed = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True,
                                text=True, check=False).stdout.split()
        for pid in listed:
            try:
                with open(f"/proc/{pid}/status", encoding="utf-8") as status:
                    if re.search(r"^NSpid:.*\t1$", status.read(), re.M):
                        return pid
            except (FileNotFoundError, ProcessLookupError):
                continue  # a helper of systemd-nspawn's that has ended since
        return None

    def run(self, *argv, check=True, timeout=150):
        done = subprocess.run(["nsenter", "-t", self.leader, "-m", "-u", "-i", "-n", "-p", "-C",
                               "--root", "--", "env", "-i",
                               "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
                               "DEBIAN_FRONTEND=noninteractive", *argv],
                              capture_output=True, text=True, errors="replace", check=False,
                              stdin=subprocess.DEVNULL, timeout=timeout)
        if check and done.returncode != 0:
            raise Failed(f"{' '.join(argv)} ended with {done.returncode}: "
                         f"{done.stdout[-800:]}{done.stderr[-800:]}\n{self.journal()}")
        return done

    def journal(self):
        done = self.run("journalctl", "-q", "-b", "-n", "30", "-o", "cat", "-u", "godwit@*",
                        check=False)
        return done.stdout

    def shown(self, unit, key):
        return self.run("systemctl", "show", "-P", key, unit).stdout.strip()

    def wait(self, what, condition, seconds=30):
        until = time.monotonic() + seconds
        while not condition():
            require(time.monotonic() < until, f"waited {seconds} s for {what}\n{self.journal()}")
            time.sleep(0.2)

    def files(self):
        """Every file of the tree but those that a system writes by itself."""
        own = re.compile(r"^(proc|sys|dev|run|tmp"
                         r"|var/(lib/(dpkg|apt|systemd)|cache|log|tmp|backups)"
                         r"|etc/(machine-id|resolv\.conf|mtab|[a-z]*-$|ld\.so\.cache|\.updated"
                         r"|\.pwd))"
                         r"|^var/\.updated")
        found = set()
        for at, folders, names in os.walk(self.tree):
            for name in folders + names:
                path = os.path.relpath(os.path.join(at, name), self.tree)
                if not own.match(path):
                    found.add(path)
        return found

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for mounted in (self.tree, self.memory):
            subprocess.run(["umount", "--lazy", mounted], check=False)
        os.rmdir(self.memory)
