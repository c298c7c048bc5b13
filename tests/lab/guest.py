"""A host of the lab with a kernel of its own: a Debian kernel in an emulated machine.

The machine that runs the lab may have a kernel without ESP, L2TP or PPP; a guest has them. It is
emulated, never KVM, and boots in seconds. It takes the place of a host: that host's links become
bridges, and its addresses and routes move into the guest. The guest sees the machine's files, read
only, and its folder of the lab has the same name inside and outside.
"""

import json
import os
import select
import shlex
import signal
import socket
import subprocess
import time

import guest_image
import lab
from lab import LabError

# The last program of the boot. Each line that comes through the port names a script in the guest's
# folder; when the script has ended, its name and exit code go back.
AGENT = """exec 3<> /dev/vport0p1
echo ready 0 >&3
while read -r script <&3; do
  (
    path=$FOLDER/commands/$script
    cd /
    sh $path < $path.in > $path.out 2> $path.err 3>&-
    echo "$script $?" >&3
  ) &
done
"""
BOOT_LIMIT = 120  # seconds; a machine that is busy with other labs takes many times its best


class Guest(lab.Host):
    """Takes the place of a host. Returns while it boots; the first command waits for that."""

    def __init__(self, host):
        self.lab, self.role, self.folder = host.lab, host.role, host.folder
        self.outside = host
        self.commands = os.path.join(self.folder, "commands")
        os.mkdir(self.commands)
        self.number = 0
        self.ended = {}  # the exit codes of scripts, by name
        self.unread = b""
        image = guest_image.image()
        links, routes = self._take_links()
        with open(os.path.join(self.folder, "start"), "w", encoding="utf-8") as file:
            file.write(self._start_script(links, routes))
        self.control, theirs = socket.socketpair()
        with theirs:
            self.process = host.start(self._qemu(image, links, theirs.fileno()), "qemu.log",
                                      pass_fds=[theirs.fileno()])

    def _take_links(self):
        """Bridges each link of the host to a tap; returns the links and routes for the guest."""
        def listing(*argv):
            return json.loads(self.outside.run(["ip", "-j", *argv]).stdout)

        routes = [route for route in listing("route") if route.get("protocol") != "kernel"]
        links = [link for link in listing("addr") if link["link_type"] == "ether"]
        for link in links:
            name = link["ifname"]
            ip = self.outside.ip
            ip("addr", "flush", "dev", name)
            ip("tuntap", "add", f"tap-{name}", "mode", "tap", "vnet_hdr")
            ip("link", "add", f"br-{name}", "type", "bridge")
            for part in (name, f"tap-{name}"):
                ip("link", "set", part, "master", f"br-{name}", "up")
            ip("link", "set", f"br-{name}", "up")
        return links, routes

    def _start_script(self, links, routes):
        lines = ["export PATH=/usr/sbin:/usr/bin LC_ALL=C.UTF-8", f"hostname {self.role}",
                 "sysctl -qw net.ipv6.conf.default.accept_dad=0", "ip link set lo up"]
        for number, link in enumerate(links):
            lines.append(f"ip link set eth{number} name {link['ifname']} up")
            lines += [f"ip addr add {address['local']}/{address['prefixlen']} "
                      f"dev {link['ifname']}" for address in link["addr_info"]
                      if address["family"] == "inet"]
        lines += [f"ip route add {route['dst']} via {route['gateway']}" for route in routes]
        if len(links) > 1:
            lines.append("sysctl -qw net.ipv4.ip_forward=1")
        return "\n".join(lines) + "\n" + AGENT

    def _qemu(self, image, links, control):
        argv = ["qemu-system-x86_64", "-accel", "tcg", "-machine", "q35", "-cpu", "max",
                "-m", "256", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                "-kernel", f"{image}/kernel", "-initrd", f"{image}/initrd",
                # What the kernel does not know reaches /init as its environment.
                "-append", "console=ttyS0 quiet panic=-1 no_timer_check mitigations=off "
                           f"cryptomgr.notests FOLDER={self.folder}",
                "-serial", f"file:{self.folder}/console.log",
                "-device", "virtio-serial-pci", "-chardev", f"socket,id=control,fd={control}",
                "-device", "virtserialport,chardev=control"]
        for tag, path, access in (("machine", "/", "on"), ("packages", f"{image}/tree", "on"),
                                  ("shared", self.folder, "off")):
            argv += ["-fsdev", f"local,id={tag},path={path},security_model=none,"
                               f"readonly={access},multidevs=remap",
                     "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]
        for link in links:
            name = link["ifname"]
            # Not the address of the link itself, which the bridge takes for its own.
            argv += ["-netdev", f"tap,id={name},ifname=tap-{name},script=no,downscript=no",
                     "-device", f"virtio-net-pci,netdev={name},mac=52:54:00{link['address'][8:]},"
                                "romfile="]
        return argv

    def await_boot(self):
        if "ready" not in self.ended:
            self._await("ready", BOOT_LIMIT)

    def run(self, argv, timeout=60, check=True, **options):
        self.await_boot()
        script = self._send(f"exec {shlex.join(argv)}\n", options.get("input", ""))
        code = self._await(script, timeout)
        if code is None:
            raise subprocess.TimeoutExpired(argv, timeout)
        done = subprocess.CompletedProcess(argv, code, self._said(script, "out"),
                                           self._said(script, "err"))
        if check and code != 0:
            raise LabError(f"{self.role}: {' '.join(argv)} ended with {code}: "
                           f"{(done.stderr or done.stdout).strip()[-400:]}")
        return done

    def start(self, argv, log, **options):
        """Starts a command that goes on; what comes back is like subprocess.Popen."""
        del options  # of standard input and the like: none is left in a guest
        self.await_boot()
        path = os.path.join(self.folder, log)
        script = self._send(f"echo $$ > {self.commands}/{self.number + 1}.pid\n"
                            f"exec {shlex.join(argv)} >> {path} 2>&1\n")
        process = GuestProcess(self, script, argv)
        process.log = path
        return process

    def ip(self, *arguments):
        self.run(["ip", *arguments])

    def write(self, path, text, mode=0o644):
        # All of it in busybox: to load another program takes an emulated processor 0.05 s.
        self.run(["busybox", "sh", "-c", f"umask 077; mkdir -p {os.path.dirname(path)}; "
                                         f"cat > {path}; chmod {mode:o} {path}"], input=text)

    def processes(self):
        listing = self.run(["busybox", "sh", "-c", "cd /proc && grep -saH '' [0-9]*/cmdline"],
                           check=False).stdout
        found = [line.partition("/cmdline:") for line in listing.splitlines()]
        # Kernel threads have no command line, and the agent's shells run what is below.
        return [(int(pid), command.replace("\0", " ").strip()) for pid, _, command in found
                if command and self.folder not in command and not command.startswith("grep\0")]

    def _send(self, script, text=""):
        self.number += 1
        for suffix, content in (("", script), (".in", text)):
            with open(f"{self.commands}/{self.number}{suffix}", "w", encoding="utf-8") as file:
                file.write(content)
        self.control.sendall(f"{self.number}\n".encode())
        return str(self.number)

    def _said(self, script, stream):
        with open(f"{self.commands}/{script}.{stream}", encoding="utf-8",
                  errors="replace") as file:
            return file.read()

    def _await(self, script, seconds):
        """The exit code of a script; None when it has not ended by then."""
        deadline = time.monotonic() + seconds
        while script not in self.ended:
            left = deadline - time.monotonic()
            if left < 0 or not select.select([self.control], [], [], left)[0]:
                if script == "ready":
                    raise LabError(f"{self.role} has not booted after {seconds} s: "
                                   f"{self.console()}")
                return None
            received = self.control.recv(4096)
            if not received:
                raise LabError(f"{self.role} ended: {self.console()}")
            *lines, self.unread = (self.unread + received).split(b"\n")
            for line in lines:
                name, code = line.decode().split()
                self.ended[name] = int(code)
        return self.ended[script]

    def console(self):
        return (lab.tail(os.path.join(self.folder, "console.log"))
                + lab.tail(self.process.log))


class GuestProcess:
    """A program that runs in a guest, with what the cases use of subprocess.Popen."""

    def __init__(self, guest, script, argv):
        self.guest, self.script, self.argv = guest, script, argv

    def poll(self):
        return self.guest._await(self.script, 0)

    def wait(self, timeout=600):
        code = self.guest._await(self.script, timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.argv, timeout)
        return code

    def send_signal(self, number):
        path = f"{self.guest.commands}/{self.script}.pid"
        self.guest.sh(f"kill -{int(number)} $(cat {path})", check=False)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def kill(self):
        self.send_signal(signal.SIGKILL)
