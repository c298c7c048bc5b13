"""What the steps share, and those that look at the .deb itself."""

import glob
import os
import re
import shutil
import subprocess

SIZE_MAX = 2_000_000  # octets of the stripped program


class Failed(Exception):
    """A package is not as it has to be."""


class Skipped(Exception):
    """The step cannot run here; the text says why."""


def require(condition, message):
    if not condition:
        raise Failed(message)


def require_no_difference(before, after, what):
    changed = [f"{key}:\n  before {before[key]}\n  after  {after[key]}" for key in before
               if before[key] != after[key]]
    require(not changed, f"{what}: " + "\n".join(changed))


def run(*argv, **options):
    """Runs a command to its end; output as text, a failure as an exception."""
    return subprocess.run(argv, check=True, capture_output=True, text=True, errors="replace",
                          **{"stdin": subprocess.DEVNULL, **options}).stdout


class Bench:
    def __init__(self, top, deb, rpm):
        self.top = top
        self.folder = os.path.join(top, "build-packages")
        self.deb = os.path.abspath(deb) if deb else None
        self.rpm = os.path.abspath(rpm) if rpm else None
        os.makedirs(self.folder, exist_ok=True)

    def newest(self, pattern):
        found = glob.glob(os.path.join(self.folder, pattern))
        require(len(found) == 1, f"{pattern}: {found}")
        return found[0]

    def packaged(self, path):
        """A file of the .deb."""
        return os.path.join(self.unpacked(), path)

    def unpacked(self):
        folder = os.path.join(self.folder, "unpacked-deb")
        stamp = folder + ".of"
        if not os.path.exists(stamp) or os.path.getmtime(stamp) < os.path.getmtime(self.deb):
            shutil.rmtree(folder, ignore_errors=True)
            run("dpkg-deb", "-R", self.deb, folder)
            with open(stamp, "w", encoding="utf-8"):
                pass
        return folder


def build_deb(bench):
    if bench.deb:
        return "given"
    run(os.path.join(bench.top, "packaging/build-deb"))
    bench.deb = bench.newest("deb/godwit_*.deb")
    return os.path.basename(bench.deb)


def lintian(bench):
    changes = glob.glob(os.path.join(os.path.dirname(bench.deb), "*.changes"))
    said = run("lintian", "--allow-root", "--fail-on", "none", *(changes or [bench.deb]))
    require(not said.strip(), f"\n{said}")
    overrides = open(os.path.join(bench.top, "packaging/debian/godwit.lintian-overrides"),
                     encoding="utf-8").read()
    require("*" not in overrides, "an override for everything")


def program(bench):
    path = bench.packaged("usr/bin/godwit")
    size = os.path.getsize(path)
    require(size < SIZE_MAX, f"{size} octets, of at most {SIZE_MAX}")
    dynamic = run("readelf", "-Wd", path)
    require("BIND_NOW" in dynamic and "PIE" in dynamic, f"not hardened: {dynamic}")
    require("GNU_RELRO" in run("readelf", "-Wl", path), "no RELRO")
    symbols = run("readelf", "-W", "--dyn-syms", path)
    for wanted in ("__stack_chk_fail", "_chk@"):
        require(wanted in symbols, f"{wanted} is not called")
    require(".symtab" not in run("readelf", "-WS", path), "not stripped")
    libraries = re.findall(r"Shared library: \[([^\]]+)\]", dynamic)
    depends = run("dpkg-deb", "-f", bench.deb, "Depends")
    for library, package in (("libmbedcrypto", "libmbedcrypto"), ("liburing", "liburing"),
                             ("libsystemd", "libsystemd"), ("libnl-3", "libnl-3")):
        require(any(name.startswith(library) for name in libraries), f"{library} is not dynamic")
        require(package in depends, f"{package} is not required")
    if run("dpkg", "--print-architecture").strip() == "amd64":
        require("libipsec-mb1" in depends, "libipsec-mb is not required")
    return f"{size} octets"


def apparmor(bench):
    run("apparmor_parser", "-Q", "-K", bench.packaged("etc/apparmor.d/godwit"))
    if not os.path.isdir("/sys/kernel/security/apparmor"):
        return "parsed; this kernel enforces none"
    return "parsed"
