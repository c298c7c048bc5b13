"""Two hosts and one wire between them, and the tunnels that are measured on it."""

import json
import os
import shutil
import subprocess

import gateway
import lab
from lab import LabError, wait_until
from swanctl import Swanctl

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, "build-bench", "tests")

LEFT = "203.0.113.1"   # the lab's addresses of NAPT and gateway, so that its gateway fits
RIGHT = lab.GATEWAY
INNER_LEFT = "10.9.0.1"
INNER_RIGHT = "10.9.0.2"
MTU = 1400
WIREGUARD_PORT = 51820


class Pair(lab.Lab):
    """Left and right, with a veth between them and nothing else."""

    def _raise_hosts(self, *_):
        self.left = lab.Host(self, "left")
        self.right = lab.Host(self, "right")
        self._link(self.left, "wire", f"{LEFT}/24", self.right, "wire", f"{RIGHT}/24")
        for host in (self.left, self.right):
            host.sysctl(net__ipv4__conf__all__rp_filter=0, net__ipv4__conf__default__rp_filter=0)

    def segment_in_software(self):
        """Single datagrams on the wire, as on one whose card cannot cut or join them."""
        for host in (self.left, self.right):
            host.run(["ethtool", "-K", "wire", "tx-udp-segmentation", "off", "gso", "off",
                      "tso", "off", "gro", "off"])


class Bare:
    """The wire itself."""
    name = "bare veth"
    target = RIGHT

    def __init__(self, pair):
        self.pair = pair

    def start(self):
        pass

    def pids(self):
        return []

    def stop(self):
        return None


class Ends:
    """godwit's own path, at both ends, with fixed keys. `variables`: rungs, of both ends."""
    target = INNER_RIGHT
    program = os.path.join(BUILD, "godwit_bench_end")

    def __init__(self, pair, name, *flags, variables=None, right=()):
        self.pair = pair
        self.name = name
        self.flags = flags
        self.right_flags = right
        self.variables = variables or {}
        self.ends = []

    def start(self):
        ways = [(self.pair.left, RIGHT, INNER_LEFT, ()),
                (self.pair.right, LEFT, INNER_RIGHT, ("--right", *self.right_flags))]
        self.pair.environment.update(self.variables)
        for host, peer, inner, more in ways:
            self.ends.append(host.start([self.program, "--peer", peer, "--inner", inner, "--mtu",
                                         str(MTU), *self.flags, *more], "end.log"))
        for name in self.variables:
            del self.pair.environment[name]
        wait_until(lambda: self.pair.left.ping(self.target, 1), f"{self.name} to carry a ping")

    def pids(self):
        return [self.ends[0].pid]

    def stop(self):
        """Ends both, and returns what each counted."""
        said = []
        for end in self.ends:
            end.terminate()
            end.wait(timeout=10)
            with open(end.log, encoding="utf-8") as log:
                said.append(json.loads(log.read().splitlines()[-1]))
        self.ends = []
        return said


class WireGuard:
    """wireguard-go at both ends."""
    target = INNER_RIGHT

    def __init__(self, pair, name, program):
        self.pair = pair
        self.name = name
        self.program = program
        self.running = []

    def start(self):
        keys = []
        for host in (self.pair.left, self.pair.right):
            private = host.run(["wg", "genkey"]).stdout.strip()
            keys.append((private, host.run(["wg", "pubkey"], input=private).stdout.strip()))
        for number, (host, peer) in enumerate(((self.pair.left, RIGHT), (self.pair.right, LEFT))):
            self.running.append(host.start(["env", "WG_PROCESS_FOREGROUND=1", "LOG_LEVEL=error",
                                            self.program, "-f", "wg0"], "wireguard.log"))
            wait_until(lambda host=host: host.run(["test", "-S", "/var/run/wireguard/wg0.sock"],
                                                  check=False).returncode == 0, "wireguard-go")
            host.write("/etc/wg.key", keys[number][0] + "\n", mode=0o600)
            host.run(["wg", "set", "wg0", "private-key", "/etc/wg.key",
                      "listen-port", str(WIREGUARD_PORT), "peer", keys[1 - number][1],
                      "allowed-ips", "0.0.0.0/0", "endpoint", f"{peer}:{WIREGUARD_PORT}"])
            host.ip("addr", "add", f"{(INNER_LEFT, INNER_RIGHT)[number]}/24", "dev", "wg0")
            host.ip("link", "set", "wg0", "mtu", str(MTU), "up")
        wait_until(lambda: self.pair.left.ping(self.target, 1), f"{self.name} to carry a ping")

    def pids(self):
        return [self.running[0].pid]

    def stop(self):
        for process in self.running:
            process.terminate()
            process.wait(timeout=10)
        self.running = []


class OpenVpn:
    """OpenVPN in user space, point to point, each knowing the other's certificate."""
    target = INNER_RIGHT
    name = "openvpn aes128gcm"

    def __init__(self, pair):
        self.pair = pair
        self.running = []

    def start(self):
        prints = []
        for host in (self.pair.left, self.pair.right):
            host.sh("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
                    "-days 2 -subj /CN=bench -keyout /etc/ovpn.key -out /etc/ovpn.pem 2>/dev/null")
            said = host.run(["openssl", "x509", "-in", "/etc/ovpn.pem", "-noout", "-sha256",
                             "-fingerprint"]).stdout
            prints.append(said.partition("=")[2].strip())
        inner = (INNER_LEFT, INNER_RIGHT)
        for number, (host, peer) in enumerate(((self.pair.left, RIGHT), (self.pair.right, LEFT))):
            role = ["--tls-client", "--remote", peer] if number == 0 else ["--tls-server",
                                                                          "--dh", "none"]
            self.running.append(host.start(
                ["openvpn", "--dev", "ovpn0", "--dev-type", "tun", "--disable-dco", "--proto",
                 "udp", "--port", "1194", "--ifconfig", inner[number], inner[1 - number],
                 "--cert", "/etc/ovpn.pem", "--key", "/etc/ovpn.key", "--peer-fingerprint",
                 prints[1 - number], "--data-ciphers", "AES-128-GCM", "--tun-mtu", str(MTU),
                 "--mssfix", "0", "--sndbuf", "4194304", "--rcvbuf", "4194304", "--txqueuelen",
                 "1000", "--fast-io", "--verb", "1", *role], "openvpn.log"))
        wait_until(lambda: self.pair.left.ping(self.target, 1), "openvpn to carry a ping", 30)

    def pids(self):
        return [self.running[0].pid]

    def stop(self):
        for process in self.running:
            process.terminate()
            process.wait(timeout=10)
        self.running = []


class StrongswanPair:
    """strongSwan with ESP in user space (kernel-libipsec) at both ends."""
    target = lab.OFFICE
    name = "strongswan aes128gcm16"

    def __init__(self, pair):
        self.pair = pair
        self.server = self.client = None

    def start(self):
        for address in (lab.GATEWAY_INSIDE, lab.OFFICE):
            self.pair.right.run(["ip", "addr", "replace", f"{address}/32", "dev", "lo"])
        for host in (self.pair.left, self.pair.right):
            shutil.rmtree(os.path.join(host.folder, "strongswan"), ignore_errors=True)
        connection = gateway.Connection("main", esp="aes128gcm16", encap=True)
        self.server = gateway.Gateway(self.pair.right, connection)
        self.client = Swanctl(self.pair.left, "aes256-sha256-modp2048", "aes128gcm16")
        self.client.connect()
        for host in (self.pair.left, self.pair.right):
            host.ip("link", "set", "ipsec0", "mtu", str(MTU))

    def pids(self):
        return [self.client.process.pid]

    def stop(self):
        self.client.disconnect()
        for daemon in (self.client, self.server):
            daemon.process.terminate()
            daemon.process.wait(timeout=20)


def unpacked_wireguard(package, folder):
    """The program of a .deb that is not installed."""
    subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
    program = os.path.join(folder, "usr", "bin", "wireguard-go")
    if not os.path.exists(program):
        raise LabError(f"{package} holds no wireguard-go")
    return program
