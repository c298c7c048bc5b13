"""The .rpm: built on Debian, unpacked, and compared with the .deb."""

import os
import shutil

from checks import Skipped, require, run

# Where the distributions differ.
DEBIAN_ONLY = {"etc/apparmor.d/godwit", "usr/share/zsh/vendor-completions/_godwit"}
ELSEWHERE = {"lib/systemd/system/godwit@.service": "usr/lib/systemd/system/godwit@.service"}


def build(bench):
    if bench.rpm:
        return "given"
    if not shutil.which("rpmbuild"):
        raise Skipped("there is no rpmbuild")
    run(os.path.join(bench.top, "packaging/build-rpm"))
    machine = run("uname", "-m").strip()
    bench.rpm = bench.newest(f"rpm/godwit-*.{machine}.rpm")
    return os.path.basename(bench.rpm)


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


def contents(bench):
    given(bench)
    folder = os.path.join(bench.folder, "unpacked-rpm")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    run("sh", "-c", f"rpm2cpio '{bench.rpm}' | cpio -idm --quiet", cwd=folder)
    ours, theirs = files(folder), files(bench.unpacked())
    for path in theirs:
        wanted = ELSEWHERE.get(path, path)
        if path.startswith(("DEBIAN/", "usr/share/doc/")) or path in DEBIAN_ONLY:
            continue
        require(wanted in ours, f"the .rpm lacks {wanted}")
    require("usr/share/zsh/site-functions/_godwit" in ours, "no completion for zsh")
    requires = run("rpm", "-qp", "--requires", bench.rpm)
    for library in ("libmbedcrypto", "liburing", "libsystemd", "libgnutls"):
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
