"""The lab: laptops behind a NAPT, a gateway and an office, in network namespaces of their own.

    laptop  192.168.77.10 --+
    second  192.168.77.11 --+-- .1 napt 203.0.113.1 -- 203.0.113.2 gateway 10.50.0.1 -- .2 office
    rogue   192.168.77.66 --+

On wish the gateway is 172.30.0.2 behind a router that has 203.0.113.2 and forwards ports to it.

The NAPT rewrites every UDP source port, 500 and 4500 included, to a random one. It has no route to
the office: what reaches the office came through a tunnel. Nothing of the machine itself changes.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import reaper

LAPTOP = "192.168.77.10"
SECOND = "192.168.77.11"
ROGUE = "192.168.77.66"
NAPT_INSIDE = "192.168.77.1"
NAPT_OUTSIDE = "203.0.113.1"
GATEWAY = "203.0.113.2"
GATEWAY_INSIDE = "10.50.0.1"
EDGE_INSIDE = "172.30.0.1"      # of the router in front of a gateway that is behind a NAT
GATEWAY_PRIVATE = "172.30.0.2"  # and the gateway's own address there
SECOND_GATEWAY = "198.18.0.2"   # another gateway, behind the NAPT's third link
SECOND_INSIDE = "10.52.0.1"
FORWARDED = {500: 500, 4500: 4500}
FLOATED = {500: 40500, 4500: 44500}  # where the gateway's datagrams come from, when it floats
OFFICE = "10.50.0.2"
OFFICE_NET = "10.50.0.0/24"
OTHER_NET = "10.51.0.0/24"      # behind the gateway too, but in no split tunnel
OTHER = "10.51.0.2"
INTERNET = "198.51.100.7"       # a public address that only a full tunnel reaches
POOL = "10.60.0.0/24"           # what Mode Config hands out
# The same in IPv6, where a lab has it; its path to the gateway knows no NAT.
LAPTOP6 = "2001:db8:77::10"
GATEWAY6 = "2001:db8:113::2"
OFFICE6 = "fd00:50::2"
OFFICE6_NET = "fd00:50::/64"
POOL6 = "fd00:60::/112"
FILE_PORT = 8080
IPERF_PORT = 5201


class LabError(Exception):
    """The lab itself did not work. Says nothing about the client under test."""


def wait_until(condition, what, seconds=10.0, step=0.05):
    """Polls until condition() is true and returns its value; raises with `what` otherwise."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise LabError(f"waited {seconds:g} s for {what}")
        time.sleep(step)


def tail(path, lines=25):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return "".join(line.rstrip("\n")[:300] + "\n" for line in file.readlines()[-lines:])
    except OSError as error:
        return f"({error})\n"


class Host:
    """One machine: a network namespace, and a mount namespace with its own /run, /etc and /tmp.

    A sleeping process holds both; every command enters them through it.
    """

    def __init__(self, lab, role):
        self.lab = lab
        self.role = role
        self.namespace = f"{lab.name}-{role}"
        self.folder = os.path.join(lab.folder, role)
        os.mkdir(self.folder)
        subprocess.run(["ip", "netns", "add", self.namespace], check=True)
        # /etc is a copy, not a bind of single files: replacing a file by rename works as usual.
        script = ("mount --make-rprivate / && mount -t tmpfs -o mode=755 none /run && "
                  "mkdir /run/etc && cp -a /etc/. /run/etc/ && "
                  "mount -t tmpfs -o mode=755 none /mnt && cp -a /run/etc/. /mnt/ && "
                  "mount --move /mnt /etc && rm -rf /run/etc && echo ready && exec sleep infinity")
        self.anchor = subprocess.Popen(
            ["ip", "netns", "exec", self.namespace, "unshare", "--mount", "sh", "-c", script],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=lab.environment,
            start_new_session=True)
        if self.anchor.stdout.readline().strip() != b"ready":
            raise LabError(f"cannot make the mount namespace of {role}")
        self.ip("link", "set", "lo", "up")
        # Duplicate address detection ends a second after a link is up: a client that connects
        # faster than that would be blamed for what changes then.
        self.sysctl(net__ipv6__conf__default__accept_dad=0)

    def ip(self, *arguments):
        subprocess.run(["ip", "-n", self.namespace, *arguments], check=True)

    def inside(self, argv):
        return ["nsenter", f"--target={self.anchor.pid}", "--mount", "--net", "--", *argv]

    def run(self, argv, timeout=60, check=True, **options):
        """Runs a command to its end and returns it, with output as text."""
        done = subprocess.run(self.inside(argv), timeout=timeout, capture_output=True, text=True,
                              errors="replace", check=False, env=self.lab.environment,
                              **{"stdin": subprocess.DEVNULL, **options} if "input" not in options
                              else options)
        if check and done.returncode != 0:
            raise LabError(f"{self.role}: {' '.join(argv)} ended with {done.returncode}: "
                           f"{(done.stderr or done.stdout).strip()[-400:]}")
        return done

    def sh(self, script, **options):
        return self.run(["sh", "-c", script], **options)

    def start(self, argv, log, **options):
        """Starts a command that goes on. Its output goes to the file `log` of this host."""
        path = os.path.join(self.folder, log)
        with open(path, "ab") as output:
            process = subprocess.Popen(self.inside(argv), stdout=output, stderr=subprocess.STDOUT,
                                       env=self.lab.environment, start_new_session=True,
                                       **{"stdin": subprocess.DEVNULL, **options})
        process.log = path
        return process

    def write(self, path, text, mode=0o644):
        """Writes a file as this host sees it: /etc and /run are its own."""
        self.sh(f"umask 077 && mkdir -p $(dirname {path}) && cat > {path} && chmod {mode:o} {path}",
                input=text)

    def read(self, path):
        return self.run(["cat", path]).stdout

    def sysctl(self, **values):
        for key, value in values.items():
            self.run(["sysctl", "-qw", f"{key.replace('__', '.')}={value}"])

    def ping(self, address, seconds=3):
        """Whether an address answers within some seconds, asked ten times a second.

        The first packet may be lost: a gateway that still handles the last message of Quick Mode
        has no SA for it yet.
        """
        return self.run(["ping", "-n", "-q", "-c", "1", "-w", str(seconds), "-i", "0.1", address],
                        check=False).returncode == 0

    def snapshot(self):
        """Everything of this host that a VPN client may change, comparable."""
        def listing(*argv):
            return json.loads(self.run(["ip", "-j", *argv]).stdout or "[]")

        def without(entries, *volatile):
            return [{key: value for key, value in entry.items() if key not in volatile}
                    for entry in entries]

        links = without(listing("addr"), "valid_life_time", "preferred_life_time")
        state = {"links": links,
                 "ipv4 routes": listing("-4", "route", "show", "table", "all"),
                 "ipv6 routes": without(listing("-6", "route", "show", "table", "all"), "expires"),
                 "ipv4 rules": listing("-4", "rule"),
                 "ipv6 rules": listing("-6", "rule"),
                 "nftables": self.run(["nft", "list", "ruleset"]).stdout,
                 "resolv.conf": self.sh("stat -c '%A %U %G %F %N' /etc/resolv.conf; "
                                        "cat /etc/resolv.conf; ls -A /etc | grep resolv").stdout,
                 "/run/godwit": self.sh("find /run/godwit 2>/dev/null || true").stdout,
                 "processes": sorted(command for _, command in self.processes())}
        return state

    def processes(self):
        """The number and command line of each process of this host, the anchor aside."""
        listing = subprocess.run(["ip", "netns", "pids", self.namespace], capture_output=True,
                                 text=True, check=True)
        return [(int(pid), reaper.command_line(int(pid))) for pid in listing.stdout.split()
                if int(pid) != self.anchor.pid]

    def pids(self, program=None):
        """The processes of this host, the anchor aside; those of one program when it is named."""
        return [pid for pid, command in self.processes()
                if program is None or os.path.basename((command.split() or [""])[0]) == program]


def differences(before, after):
    """The parts of two snapshots that differ, as text; empty when nothing does."""
    changed = [key for key in before if before[key] != after[key]]
    return "\n".join(f"{key}:\n  before {before[key]}\n  after  {after[key]}" for key in changed)


class Lab:
    """Raises the hosts and links of the picture above; a context manager that removes them."""

    def __init__(self, second=False, rogue=False, nat=True, edge=None, floating=False):
        """`edge`: UDP ports of the gateway's public address and where they lead at a gateway behind
        a router of its own; `floating`: its answers leave from other ports than were asked."""
        self.name = f"gw{os.getpid()}"
        while reaper.namespaces(self.name):
            self.name += "x"
        self.folder = tempfile.mkdtemp(prefix="godwit-lab-")
        os.chmod(self.folder, 0o755)
        self.environment = {**os.environ, reaper.MARK: self.name, "LC_ALL": "C.UTF-8"}
        self.environment.pop("NOTIFY_SOCKET", None)
        self.reaper = subprocess.Popen(
            [sys.executable, os.path.abspath(reaper.__file__), self.name, self.folder],
            stdin=subprocess.PIPE, start_new_session=True)
        try:
            self._raise_hosts(second, rogue, nat, edge, floating)
        except BaseException:
            self.close()
            raise

    def _raise_hosts(self, second, rogue, nat, edge, floating):
        self.napt = Host(self, "napt")
        self.gateway = Host(self, "gateway")
        self.office = Host(self, "office")
        self.napt.ip("link", "add", "lan", "type", "bridge")
        self.napt.ip("addr", "add", f"{NAPT_INSIDE}/24", "dev", "lan")
        self.napt.ip("link", "set", "lan", "up")
        self.laptop = self._on_lan("laptop", LAPTOP)
        self.second = self._on_lan("second", SECOND) if second else None
        self.rogue = self._on_lan("rogue", ROGUE) if rogue else None
        public = self._raise_edge(edge, floating) if edge else self.gateway
        self._link(self.napt, "wan", f"{NAPT_OUTSIDE}/24", public, "wan", f"{GATEWAY}/24")
        self._link(self.gateway, "lan", f"{GATEWAY_INSIDE}/24", self.office, "lan", f"{OFFICE}/24")
        self.office.ip("addr", "add", f"{OTHER}/32", "dev", "lo")
        self.office.ip("addr", "add", f"{INTERNET}/32", "dev", "lo")
        self.office.ip("route", "add", "default", "via", GATEWAY_INSIDE)
        self.gateway.ip("route", "add", OTHER_NET, "via", OFFICE)
        self.gateway.ip("route", "add", f"{INTERNET}/32", "via", OFFICE)
        for host in (self.napt, self.gateway):
            host.sysctl(net__ipv4__ip_forward=1)
        if nat:
            self.napt.run(["iptables", "-t", "nat", "-A", "POSTROUTING", "-o", "wan", "-p", "udp",
                           "-j", "MASQUERADE", "--to-ports", "20000-40000", "--random"])
        else:
            public.ip("route", "add", "192.168.77.0/24", "via", NAPT_OUTSIDE)

    def _raise_edge(self, forwarded, floating):
        """The gateway's router: it has the public address, and forwards some ports."""
        edge = Host(self, "edge")
        self._link(edge, "lan", f"{EDGE_INSIDE}/24", self.gateway, "wan", f"{GATEWAY_PRIVATE}/24")
        self.gateway.ip("route", "add", "default", "via", EDGE_INSIDE)
        edge.sysctl(net__ipv4__ip_forward=1)
        if not floating:
            for outside, inside in forwarded.items():
                edge.run(["iptables", "-t", "nat", "-A", "PREROUTING", "-d", GATEWAY, "-p", "udp",
                          "--dport", str(outside), "-j", "DNAT", "--to-destination",
                          f"{GATEWAY_PRIVATE}:{inside}"])
            return edge
        # Connection tracking would give the answers the port that was asked: translated without.
        ways = [(outside, inside) for outside, inside in forwarded.items()]
        ways += [(outside, inside) for inside, outside in FLOATED.items()]
        rules = [f"add rule ip edge inward ip daddr {GATEWAY} udp dport {outside} notrack "
                 f"udp dport set {inside} ip daddr set {GATEWAY_PRIVATE}"
                 for outside, inside in ways]
        rules += [f"add rule ip edge outward ip saddr {GATEWAY_PRIVATE} udp sport {inside} "
                  f"udp sport set {outside} ip saddr set {GATEWAY}"
                  for inside, outside in FLOATED.items()]
        edge.run(["nft", "-f", "-"], input="\n".join([
            "add table ip edge",
            "add chain ip edge inward { type filter hook prerouting priority raw; }",
            "add chain ip edge outward { type filter hook postrouting priority mangle; }",
            *rules, ""]))
        return edge

    def add_ipv6(self):
        """IPv6 on every link, with routes as a provider would announce them."""
        for host, device, address in ((self.laptop, "wlan0", LAPTOP6),
                                      (self.napt, "lan", "2001:db8:77::1"),
                                      (self.napt, "wan", "2001:db8:113::1"),
                                      (self.gateway, "wan", GATEWAY6),
                                      (self.gateway, "lan", "fd00:50::1"),
                                      (self.office, "lan", OFFICE6)):
            host.ip("addr", "add", f"{address}/64", "dev", device, "nodad")
        self.laptop.ip("-6", "route", "add", "default", "via", "2001:db8:77::1")
        self.gateway.ip("-6", "route", "add", "2001:db8:77::/64", "via", "2001:db8:113::1")
        self.office.ip("-6", "route", "add", "default", "via", "fd00:50::1")
        for host in (self.napt, self.gateway):
            host.sysctl(net__ipv6__conf__all__forwarding=1)

    def _link(self, left, left_name, left_address, right, right_name, right_address):
        left.ip("link", "add", left_name, "type", "veth", "peer", "name", right_name,
                "netns", right.namespace)
        for host, name, address in ((left, left_name, left_address),
                                    (right, right_name, right_address)):
            if address:
                host.ip("addr", "add", address, "dev", name)
            host.ip("link", "set", name, "up")

    def _on_lan(self, role, address):
        host = Host(self, role)
        self._link(self.napt, f"to-{role}", None, host, "wlan0", f"{address}/24")
        self.napt.ip("link", "set", f"to-{role}", "master", "lan")
        host.ip("route", "add", "default", "via", NAPT_INSIDE)
        # IPv6 addresses settle at once, so that snapshots before and after can be equal.
        host.sysctl(net__ipv6__conf__wlan0__accept_dad=0, net__ipv6__conf__wlan0__accept_ra=0)
        return host

    def raise_second_gateway(self):
        """Another host on the internet, with a link of its own to the office."""
        host = Host(self, "other")
        self._link(self.napt, "to-other", "198.18.0.1/30", host, "wan", f"{SECOND_GATEWAY}/30")
        self._link(host, "lan", f"{SECOND_INSIDE}/24", self.office, "lan2", "10.52.0.2/24")
        host.ip("route", "add", "default", "via", "198.18.0.1")
        # kernel-libipsec routes from an address of its own inside what the tunnel reaches.
        host.ip("addr", "add", "10.50.0.3/32", "dev", "lan")
        host.ip("route", "add", OFFICE_NET, "via", "10.52.0.2")
        host.sysctl(net__ipv4__ip_forward=1)
        self.napt.run(["iptables", "-t", "nat", "-A", "POSTROUTING", "-o", "to-other", "-p", "udp",
                       "-j", "MASQUERADE", "--to-ports", "20000-40000", "--random"])
        return host

    def serve_office(self, megabytes=4):
        """Starts the office's file server; returns the file's URL and checksum."""
        folder = os.path.join(self.office.folder, "files")
        os.mkdir(folder)
        content = os.urandom(megabytes << 20)
        with open(os.path.join(folder, "report.bin"), "wb") as file:
            file.write(content)
        self.office.start([sys.executable, "-m", "http.server", str(FILE_PORT), "--directory",
                           folder], "http.log")
        wait_until(lambda: f":{FILE_PORT} " in self.office.run(["ss", "-Hltn"]).stdout,
                   "the office's file server")
        return (f"http://{OFFICE}:{FILE_PORT}/report.bin", hashlib.sha256(content).hexdigest())

    def fetch(self, host, url, timeout=30):
        """Fetches a URL from a host and returns the checksum of what came."""
        done = host.sh(f"curl --silent --show-error --fail --max-time {timeout} {url} | sha256sum",
                       timeout=timeout + 10)
        return done.stdout.split()[0]

    def set_nat_timeout(self, seconds):
        """How long the NAPT remembers a silent UDP mapping."""
        self.napt.sysctl(net__netfilter__nf_conntrack_udp_timeout=seconds,
                         net__netfilter__nf_conntrack_udp_timeout_stream=seconds)

    def forget_mappings(self):
        """The NAPT forgets every mapping: the next datagram leaves from another port."""
        self.napt.run(["conntrack", "-F"])

    def silence_gateway(self, port=None):
        """From now on what a laptop sends (to one port, when named) goes unanswered."""
        match = ["-p", "udp", "--dport", str(port)] if port else []
        self.napt.run(["iptables", "-I", "FORWARD", "-i", "lan", *match, "-j", "DROP"])

    def end_silence(self):
        self.napt.run(["iptables", "-F", "FORWARD"])

    def join_other_net(self):
        """Gives the gateway an address in OTHER_NET, without which it cannot carry that alone."""
        self.gateway.ip("addr", "add", OTHER_NET.replace(".0/24", ".1/32"), "dev", "lo")

    def open_bare_path(self):
        """Lets laptops reach OTHER without a tunnel, to measure what a tunnel adds."""
        self.napt.ip("route", "add", OTHER_NET, "via", GATEWAY)
        self.napt.run(["iptables", "-t", "nat", "-A", "POSTROUTING", "-o", "wan", "-d", OTHER_NET,
                       "-j", "MASQUERADE"])

    def save_logs(self, destination):
        """Keeps logs, captures and configurations of every host for a look after a failure."""
        for folder, _, files in os.walk(self.folder):
            for file in files:
                if file.endswith((".log", ".out", ".pcap", ".conf", ".tcpdump")):
                    kept = os.path.join(destination, os.path.relpath(folder, self.folder))
                    os.makedirs(kept, exist_ok=True)
                    shutil.copy(os.path.join(folder, file), kept)

    def close(self):
        """Removes everything; returns what could not be removed, one line each."""
        self.reaper.stdin.close()
        try:
            self.reaper.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.reaper.kill()
        return reaper.leftovers(self.name, self.folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        left = self.close()
        if left:
            raise LabError("left behind: " + "; ".join(left))
