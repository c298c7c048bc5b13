"""What a guest boots: a Debian kernel, an initramfs with its modules, and a tree of packages.

tests/install leaves the packages in build-guest/packages; none of them is ever installed. What is
made of them is kept beside them and made again when another package is there.
"""

import contextlib
import fcntl
import lzma
import os
import re
import shutil
import struct
import subprocess
import tempfile

from lab import LabError

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.path.join(TOP, "build-guest")
PACKAGES = ("linux-image-", "busybox-static_", "xl2tpd_", "ppp_")

# What IPsec, L2TP, nft and the emulated machine need. What a module says that it needs is found;
# algorithms that it asks for by name (drbg for every IV, crc32c for nftables) stand here.
MODULES = ("virtio_pci", "virtio_net", "virtio_console", "9p", "9pnet_virtio", "overlay", "tun",
           "drbg", "ctr", "ghash_generic", "crc32c_generic", "sha1_ssse3",
           "sha256_ssse3", "sha512_ssse3", "aesni_intel", "authenc", "gcm", "echainiv", "seqiv",
           "esp4", "esp6", "xfrm_user", "ppp_async", "l2tp_ppp", "nf_tables", "udp_diag",
           "tcp_diag")
# The folders below lib/modules/*/kernel that hold them; the rest stays packed.
FOLDERS = ("crypto/*", "lib/*", "net/*", "arch/x86/crypto/*", "fs/9p/*", "fs/netfs/*",
           "fs/fscache/*", "fs/overlayfs/*", "drivers/virtio/*", "drivers/net/*.ko*",
           "drivers/net/ppp/*", "drivers/char/*")

# /init of the initramfs. The guest's root is the machine's, read only, below the packages' files
# and a layer in memory that takes what is written: the guest runs the very programs of the
# machine, the client under test among them, even from a checkout in /tmp. FOLDER comes from the
# kernel's command line.
INIT = """#!/bin/busybox sh
bb=/bin/busybox
$bb mount -t devtmpfs dev /dev
for module in $($bb cat /modules/order); do
  $bb insmod /modules/$module || echo "no module $module" > /dev/console
done
share="-t 9p -o trans=virtio,version=9p2000.L,msize=262144"
$bb mount $share,cache=loose,ro machine /machine
$bb mount $share,cache=loose,ro packages /packages
$bb mount -t tmpfs layer /layer
$bb mkdir /layer/upper /layer/work
$bb mount -t overlay -o lowerdir=/packages:/machine,upperdir=/layer/upper,workdir=/layer/work \\
  top /top
$bb mount --move /dev /top/dev
$bb mount -t proc proc /top/proc
$bb mount -t sysfs sys /top/sys
for folder in run mnt; do $bb mount -t tmpfs -o mode=1777 $folder /top/$folder; done
$bb mkdir -p /top/dev/pts /top/$FOLDER
$bb mount -t devpts pts /top/dev/pts
$bb mount $share,cache=none shared /top/$FOLDER
exec $bb switch_root /top /bin/sh $FOLDER/start > /dev/console 2>&1
"""


def missing():
    """Why no guest can be run here; None when one can."""
    if not shutil.which("qemu-system-x86_64"):
        return "qemu-system-x86_64 is missing; tests/install installs it"
    absent = [name.rstrip("-_") for name in PACKAGES if not package(name)]
    if absent:
        return f"no package of {', '.join(absent)} in build-guest; tests/install fetches them"
    return None


def package(prefix):
    """The file of a package, the one fetched last when there are several."""
    folder = os.path.join(CACHE, "packages")
    found = [os.path.join(folder, name) for name in
             (os.listdir(folder) if os.path.isdir(folder) else [])
             if name.startswith(prefix) and name.endswith(".deb")]
    return max(found, key=os.path.getmtime, default=None)


def image():
    """The folder with kernel, initrd and tree, made when it is not there yet."""
    inputs = [package(prefix) for prefix in PACKAGES]
    made = os.path.join(CACHE, "image")
    with open(os.path.abspath(__file__), encoding="utf-8") as file:
        stamp = "\n".join([file.read(), *map(os.path.basename, inputs)])
    with locked():
        try:
            with open(os.path.join(made, "stamp"), encoding="utf-8") as file:
                if file.read() == stamp:
                    return made
        except OSError:
            pass
        shutil.rmtree(made, ignore_errors=True)
        make(made, *inputs)
        with open(os.path.join(made, "stamp"), "w", encoding="utf-8") as file:
            file.write(stamp)
    return made


@contextlib.contextmanager
def locked():
    """One case at a time; the others wait and find the image made."""
    with open(os.path.join(CACHE, "lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make(folder, kernel, busybox, *others):
    tree = os.path.join(folder, "tree")
    os.makedirs(tree)
    for file in (busybox, *others):
        subprocess.run(["dpkg", "-x", file, tree], check=True)
    merge_usr(tree)
    with tempfile.TemporaryDirectory(dir=folder) as unpacked:
        unpack = subprocess.Popen(["dpkg", "--fsys-tarfile", kernel], stdout=subprocess.PIPE)
        subprocess.run(["tar", "-x", "-C", unpacked, "--wildcards", "./boot/vmlinuz-*",
                        *[f"./lib/modules/*/kernel/{part}" for part in FOLDERS]],
                       stdin=unpack.stdout, stderr=subprocess.DEVNULL, check=False)
        if unpack.wait() != 0:
            raise LabError(f"cannot unpack {kernel}")
        boot = os.path.join(unpacked, "boot")
        with open(os.path.join(boot, os.listdir(boot)[0]), "rb") as file:
            write(os.path.join(folder, "kernel"), vmlinux(file.read()))
        with open(os.path.join(tree, "usr/bin/busybox"), "rb") as file:
            write(os.path.join(folder, "initrd"), initramfs(file.read(), modules(unpacked)))


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def merge_usr(tree):
    """/bin and its like are links on the machine, and must not be hidden by folders."""
    for name in ("bin", "sbin", "lib"):
        if os.path.isdir(os.path.join(tree, name)):
            shutil.copytree(os.path.join(tree, name), os.path.join(tree, "usr", name),
                            symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(os.path.join(tree, name))


def vmlinux(bzimage):
    """The kernel itself, so that no emulated processor has to unpack it: that takes seconds.

    The boot protocol of the kernel's documentation (x86/boot) says where it lies in the file. One
    that is packed otherwise than by xz is booted as it is.
    """
    sectors = bzimage[0x1F1] or 4
    offset, length = struct.unpack_from("<II", bzimage, 0x248)
    begin = (sectors + 1) * 512 + offset
    packed = bzimage[begin:begin + length]
    if not packed.startswith(b"\xFD7zXZ\0"):
        return bzimage
    return lzma.LZMADecompressor().decompress(packed)


def modules(unpacked):
    """The modules by name, in an order in which they can be loaded."""
    files = {}
    for folder, _, names in os.walk(unpacked):
        files.update({name.split(".")[0].replace("-", "_"): os.path.join(folder, name)
                      for name in names if ".ko" in name})
    loaded = {}

    def load(name):
        if name in loaded or name not in files:
            return  # one that is not there is part of the kernel; if not, the guest will say so
        with open(files[name], "rb") as file:
            content = file.read()
        if files[name].endswith(".xz"):
            content = lzma.decompress(content)
        content = unsigned(content)
        needed = re.search(rb"\0depends=([^\0]*)\0", content)
        for other in needed.group(1).decode().split(",") if needed else []:
            load(other.replace("-", "_"))
        loaded[name] = content

    for name in MODULES:
        load(name)
    return loaded


def unsigned(module):
    """A module without its signature, which an emulated processor would check at length.

    It ends in the signature, its length in 32 bits and a mark (kernel/module_signature.h).
    """
    mark = b"~Module signature appended~\n"
    if not module.endswith(mark):
        return module
    end = len(module) - len(mark)
    return module[:end - 12 - int.from_bytes(module[end - 4:end], "big")]


def initramfs(busybox, loaded):
    entries = [(name, 0o40755, b"") for name in ("bin", "dev", "modules", "machine", "packages",
                                                 "layer", "top")]
    entries.append(("bin/busybox", 0o100755, busybox))
    entries += [(f"modules/{name}", 0o100644, content) for name, content in loaded.items()]
    entries.append(("modules/order", 0o100644, "\n".join(loaded).encode()))
    entries.append(("init", 0o100755, INIT.encode()))
    return b"".join(cpio(number, *entry) for number, entry in
                    enumerate([*entries, ("TRAILER!!!", 0, b"")], 1))


def cpio(number, name, mode, content):
    """One entry of the kernel's initramfs format (driver-api/early-userspace/buffer-format)."""
    encoded = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(encoded), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
    return head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)
