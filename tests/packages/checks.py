"""What the steps share, and those that look at the .deb itself."""

import filecmp
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

    def only(self, pattern):
        found = glob.glob(os.path.join(self.folder, pattern))
        require(len(found) == 1, f"{pattern}: {found}")
        return found[0]

    def packaged(self, path):
        """A file of the .deb."""
        return os.path.join(self.unpacked(), path)

    def unpacked(self):
        if not self.deb:
            raise Skipped("there is no .deb to look at")
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
    bench.deb = bench.only("deb/godwit_*.deb")
    return os.path.basename(bench.deb)


def run_uncached(*argv):
    """A build for which nothing is taken from the compiler's cache."""
    return run(*argv, env={**os.environ, "CCACHE_DISABLE": "1"})


def deb_again(bench):
    """The same source in another folder gives the same octets."""
    folder = os.path.join(bench.folder, "deb-again")
    shutil.rmtree(folder, ignore_errors=True)
    run_uncached(os.path.join(bench.top, "packaging/build-deb"), folder)
    require_same(bench.deb, os.path.join(folder, os.path.basename(bench.deb)))
    shutil.rmtree(folder)


def require_same(first, second):
    require(filecmp.cmp(first, second, shallow=False), f"{first} and {second} differ")


def deb_without(bench):
    folder = os.path.join(bench.folder, "deb-without")
    run(os.path.join(bench.top, "packaging/build-deb"), "--without-ipsec-mb", folder)
    deb = bench.only("deb-without/godwit_*.deb")
    require("libipsec-mb" not in run("dpkg-deb", "-f", deb, "Depends"), "libipsec-mb is required")
    unpacked = os.path.join(bench.folder, "unpacked-deb-without")
    shutil.rmtree(unpacked, ignore_errors=True)
    run("dpkg-deb", "-x", deb, unpacked)
    require_without(os.path.join(unpacked, "usr/bin/godwit"))


def require_without(program_file):
    require("IPSec_MB" not in run("readelf", "-Wd", program_file), "it is linked to libipsec-mb")
    require(run(program_file, "version").startswith("godwit "), "it does not run")


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


def exposure(bench):
    """systemd's own judgement of the unit, which the README of packaging names."""
    unit = os.path.join(bench.top, "packaging/systemd/godwit@.service")
    said = run("systemd-analyze", "security", "--no-pager", "--offline=yes", unit)
    figure = re.search(r"exposure level for \S+: ([\d.]+)", said).group(1)
    with open(os.path.join(bench.top, "packaging/README.md"), encoding="utf-8") as readme:
        require(f"says {figure} " in readme.read(), f"{figure} is not the README's figure")
    return figure
