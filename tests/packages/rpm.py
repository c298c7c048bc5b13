"""The .rpm: built on Debian, unpacked, and compared with the .deb."""

import os
import shutil

from checks import Skipped, require, require_same, require_without, run, run_uncached

# Where the distributions differ.
FOR_DEBIAN = ("DEBIAN/", "usr/share/doc/", "usr/share/lintian/")
DEBIAN_ONLY = {"etc/apparmor.d/godwit", "usr/share/zsh/vendor-completions/_godwit"}
ELSEWHERE = {f"lib/systemd/system/{unit}": f"usr/lib/systemd/system/{unit}"
             for unit in ("godwit@.service", "godwit-closed@.service")}


def build(bench):
    if bench.rpm:
        return "given"
    if not shutil.which("rpmbuild"):
        raise Skipped("there is no rpmbuild")
    run(os.path.join(bench.top, "packaging/build-rpm"))
    bench.rpm = bench.only(f"rpm/godwit-*.{machine()}.rpm")
    return os.path.basename(bench.rpm)


def machine():
    return run("uname", "-m").strip()


def again(bench):
    """The same source in another folder gives the same octets."""
    given(bench)
    folder = os.path.join(bench.folder, "rpm-again")
    shutil.rmtree(folder, ignore_errors=True)
    run_uncached(os.path.join(bench.top, "packaging/build-rpm"), folder)
    require_same(bench.rpm, os.path.join(folder, os.path.basename(bench.rpm)))
    shutil.rmtree(folder)


def without(bench):
    if not shutil.which("rpmbuild"):
        raise Skipped("there is no rpmbuild")
    run(os.path.join(bench.top, "packaging/build-rpm"), "--without-ipsec-mb",
        os.path.join(bench.folder, "rpm-without"))
    package = bench.only(f"rpm-without/godwit-*.{machine()}.rpm")
    require("IPSec_MB" not in run("rpm", "-qp", "--requires", package), "libipsec-mb is required")
    require_without(os.path.join(unpack(bench, package, "unpacked-rpm-without"), "usr/bin/godwit"))


def given(bench):
    if not bench.rpm:
        raise Skipped("no .rpm was built")


def rpmlint(bench):
    given(bench)
    if not shutil.which("rpmlint"):
        raise Skipped("there is no rpmlint")
    said = run("rpmlint", "-c", os.path.join(bench.top, "packaging/rpm/rpmlint.toml"), bench.rpm,
               os.path.join(bench.top, "packaging/rpm/godwit.spec"))
    require("0 errors, 0 warnings" in said, f"\n{said}")


def unpack(bench, package, name):
    folder = os.path.join(bench.folder, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    run("sh", "-c", f"rpm2cpio '{package}' | cpio -idm --quiet", cwd=folder)
    return folder


def contents(bench):
    given(bench)
    folder = unpack(bench, bench.rpm, "unpacked-rpm")
    ours, theirs = files(folder), files(bench.unpacked())
    for path in theirs:
        wanted = ELSEWHERE.get(path, path)
        if path.startswith(FOR_DEBIAN) or path in DEBIAN_ONLY:
            continue
        require(wanted in ours, f"the .rpm lacks {wanted}")
    require("usr/share/zsh/site-functions/_godwit" in ours, "no completion for zsh")
    requires = run("rpm", "-qp", "--requires", bench.rpm)
    libraries = ["libmbedcrypto", "liburing", "libsystemd", "libgnutls"]
    libraries += ["libIPSec_MB"] if machine() == "x86_64" else []
    for library in libraries:
        require(library in requires, f"{library} is not required:\n{requires}")
    scripts = run("rpm", "-qp", "--scripts", bench.rpm)
    for words in ("groupadd -r godwit", "systemctl stop", "godwit clean", 'if [ "$1" -eq 0 ]'):
        require(words in scripts, f"no script says '{words}':\n{scripts}")
    version = run(os.path.join(folder, "usr/bin/godwit"), "version")
    require(version.split()[1] == run("rpm", "-qp", "--qf", "%{VERSION}", bench.rpm), version)
    return f"{len(ours)} files"


def files(folder):
    return {os.path.relpath(os.path.join(at, name), folder)
            for at, _, names in os.walk(folder) for name in names}
