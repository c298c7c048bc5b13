"""Names: /etc/resolv.conf as a file and as a link, and systemd-resolved as on a laptop."""

import os
import subprocess
import sys

import gateway
import godwit
import lab
from harness import Skipped, case, require, require_equal
from lab import wait_until

INTRANET = f"intranet.{gateway.OFFICE_DOMAIN}"
PUBLIC = "www.example.org"


class NameServer:
    def __init__(self, host, address, **names):
        self.log = os.path.join(host.folder, f"dns-{address}.asked")
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "dns_server.py")
        host.start([sys.executable, program, address, self.log,
                    *[f"{name}={value}" for name, value in names.items()]], "dns.log")
        wait_until(lambda: f"{address}:53 " in host.run(["ss", "-Hlun"]).stdout, "a name server")

    def asked(self):
        return lab.tail(self.log, 1000).split() if os.path.exists(self.log) else []


def raise_with_names(bench):
    """The office's server knows the intranet; the one at home knows the public name only."""
    bench.raise_lab(gateway.MAIN)
    office = NameServer(bench.lab.office, lab.OFFICE, **{INTRANET: lab.OFFICE})
    home = NameServer(bench.lab.napt, lab.NAPT_INSIDE, **{PUBLIC: lab.INTERNET})
    bench.lab.laptop.write("/etc/resolv.conf",
                           f"# written by hand\nnameserver {lab.NAPT_INSIDE}\noptions timeout:1\n")
    bench.lab.laptop.write("/etc/nsswitch.conf", "hosts: files dns\npasswd: files\ngroup: files\n")
    return office, home


def address_of(host, name):
    done = host.run(["getent", "ahostsv4", name], check=False, timeout=30)
    return done.stdout.split()[0] if done.returncode == 0 else None


def resolves_and_restores(bench, client):
    require_equal(address_of(client.host, INTRANET), None, "intranet before connect")
    bench.connect(client)
    require_equal(address_of(client.host, INTRANET), lab.OFFICE, "intranet through the tunnel")
    require_equal(address_of(client.host, "intranet"), lab.OFFICE, "the short name")
    bench.disconnect(client)
    require_equal(address_of(client.host, INTRANET), None, "intranet after disconnect")
    require_equal(address_of(client.host, PUBLIC), lab.INTERNET, "public name after disconnect")


@case
def dns_resolv_conf_file(bench):
    raise_with_names(bench)
    resolves_and_restores(bench, bench.client(godwit.MAIN))


@case
def dns_resolv_conf_link(bench):
    raise_with_names(bench)
    bench.lab.laptop.sh("mkdir -p /run/net && mv /etc/resolv.conf /run/net/resolv.conf && "
                        "ln -s ../run/net/resolv.conf /etc/resolv.conf")
    resolves_and_restores(bench, bench.client(godwit.MAIN))
    target = bench.lab.laptop.read("/run/net/resolv.conf")
    require("written by hand" in target, f"the link's target changed: {target}")


@case
def dns_resolv_conf_after_kill_9(bench):
    raise_with_names(bench)
    client = bench.connected(godwit.MAIN)
    require_equal(address_of(client.host, INTRANET), lab.OFFICE, "intranet through the tunnel")
    client.kill()
    bench.disconnect(client)
    require_equal(address_of(client.host, PUBLIC), lab.INTERNET, "public name after disconnect")


@case
def dns_left_alone_when_told_so(bench):
    raise_with_names(bench)
    client = bench.client({**godwit.MAIN, "dns": "none"})
    before = client.host.read("/etc/resolv.conf")
    bench.connect(client)
    require_equal(client.host.read("/etc/resolv.conf"), before, "resolv.conf")
    require_equal(address_of(client.host, PUBLIC), lab.INTERNET, "public name")
    bench.disconnect(client)


def fetch_resolved(folder):
    """Unpacks systemd-resolved without installing it: installing would replace resolv.conf."""
    os.makedirs(folder, exist_ok=True)
    done = subprocess.run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download",
                           "systemd-resolved"], cwd=folder, capture_output=True, check=False)
    packages = [file for file in os.listdir(folder) if file.endswith(".deb")]
    if done.returncode != 0 or not packages:
        raise Skipped("systemd-resolved cannot be downloaded")
    subprocess.run(["dpkg", "-x", os.path.join(folder, packages[0]), os.path.join(folder, "x")],
                   check=True)
    return os.path.join(folder, "x")


def start_resolved(bench):
    host = bench.lab.laptop
    unpacked = fetch_resolved(os.path.join(host.folder, "resolved"))
    # The user exists only in this host's own /etc.
    host.sh("getent passwd systemd-resolve || { "
            "echo 'systemd-resolve:x:997:997::/:/usr/sbin/nologin' >> /etc/passwd; "
            "echo 'systemd-resolve:x:997:' >> /etc/group; }\n"
            "mkdir -p /run/dbus /run/systemd/resolve /run/systemd/netif /etc/dbus-1/system.d\n"
            "chown systemd-resolve:systemd-resolve /run/systemd/resolve\n"
            f"cp {unpacked}/usr/share/dbus-1/system.d/* /etc/dbus-1/system.d/\n"
            f"printf '[Resolve]\\nDNS={lab.NAPT_INSIDE}\\nFallbackDNS=\\nDNSSEC=no\\n"
            "MulticastDNS=no\\nLLMNR=no\\n' > /etc/systemd/resolved.conf\n"
            "ln -sf /run/systemd/resolve/stub-resolv.conf /etc/resolv.conf\n")
    host.start(["dbus-daemon", "--system", "--nofork", "--nopidfile"], "dbus.log")
    wait_until(lambda: host.run(["test", "-S", "/run/dbus/system_bus_socket"],
                                check=False).returncode == 0, "the system bus")
    host.start([f"{unpacked}/lib/systemd/systemd-resolved"], "resolved.log")
    ask = [f"{unpacked}/usr/bin/resolvectl", "status"]
    wait_until(lambda: host.run(ask, check=False).returncode == 0, "systemd-resolved")
    return ask


def configuration(host, resolvectl):
    """What systemd-resolved was told, without which of its servers it asked last."""
    lines = [line.strip() for line in host.run(resolvectl).stdout.splitlines()]
    return [line for line in lines if not line.startswith("Current DNS Server")]


@case
def dns_systemd_resolved(bench):
    office, home = raise_with_names(bench)
    resolvectl = start_resolved(bench)
    client = bench.client(godwit.MAIN)
    configured = configuration(client.host, resolvectl)
    require_equal(address_of(client.host, PUBLIC), lab.INTERNET, "public name before connect")
    bench.connect(client)
    require_equal(address_of(client.host, INTRANET), lab.OFFICE, "intranet through the tunnel")
    # A split tunnel: public names go on being asked at home, the intranet's are asked only there.
    client.host.run([resolvectl[0], "flush-caches"])
    require_equal(address_of(client.host, PUBLIC), lab.INTERNET, "public name while connected")
    require(PUBLIC not in office.asked(), "a public name was asked at the office")
    require(INTRANET not in home.asked(), "the intranet's name was asked at home")
    bench.disconnect(client)
    require_equal(configuration(client.host, resolvectl), configured, "resolvectl status")


@case
def dns_systemd_resolved_after_kill_9(bench):
    raise_with_names(bench)
    resolvectl = start_resolved(bench)
    client = bench.client(godwit.MAIN)
    configured = configuration(client.host, resolvectl)
    bench.connect(client)
    require_equal(address_of(client.host, INTRANET), lab.OFFICE, "intranet through the tunnel")
    client.kill()
    bench.disconnect(client)
    require_equal(configuration(client.host, resolvectl), configured, "resolvectl status")
