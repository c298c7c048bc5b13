"""What leaves the laptop beside a full tunnel: nothing, whatever the network that it is in does.

The attacks are called by the names under which they were published; C01 to C09 is their number in
the list that README.md has."""

import dataclasses
import json
import os
import pathlib
import random
import signal
import sys
import time

import capture
import gateway
import godwit
import lab
from harness import case, require, require_equal
from lab import wait_until

EVERYTHING = dataclasses.replace(gateway.MAIN, local_ts="0.0.0.0/0")
FULL = {**godwit.MAIN, "networks": ["0.0.0.0/0"]}
CLOSED = {**FULL, "kill-switch": "on"}
ELSEWHERE = "192.0.2.9"   # nobody's; the routes of a hostile network lead there
OUTSIDE6 = "2001:db8:ffff::1"
ON_LINK = "198.18.0.7"    # a public address that a hostile network claims for its link
PLACES = (lab.INTERNET, ELSEWHERE, ON_LINK, lab.OFFICE)
# What an unprivileged program tries all the time: UDP, TCP and DNS to every place, and IPv6.
GENERATOR = """
import socket, sys, time
places = sys.argv[1:]
def try_to(act):
    try:
        act()
    except OSError:
        pass
while True:
    for place in places:
        family = socket.AF_INET6 if ":" in place else socket.AF_INET
        for port in (9, 53):
            with socket.socket(family, socket.SOCK_DGRAM) as udp:
                try_to(lambda: udp.sendto(b"leak", (place, port)))
        with socket.socket(family, socket.SOCK_STREAM) as tcp:
            tcp.setblocking(False)
            try_to(lambda: tcp.connect((place, 80)))
    time.sleep(0.002)
"""


class Generator:
    """A program that sends to places all the time, and what of it is seen on the physical side."""

    def __init__(self, host, targets=PLACES):
        self.host = host
        self.capture = capture.Capture(host, "wlan0", "leak")
        self.targets = set(targets)
        self.process = host.start(["setpriv", "--reuid=65534", "--clear-groups",
                                   sys.executable, "-c", GENERATOR, *targets], "generator.log")

    def end(self):
        self.process.kill()
        self.process.wait()
        time.sleep(0.2)
        return self.capture.stop()

    def read(self, expression):
        done = self.host.run(["tcpdump", "-n", "-r", self.end(), expression])
        return done.stdout.splitlines()

    def require_nothing_leaked(self, what):
        leaked = self.read(" or ".join(f"dst host {target}" for target in self.targets))
        require(not leaked, f"{len(leaked)} packets beside the tunnel, {what}: {leaked[:3]}")

    def require_silence(self, what):
        """Nothing at all left but the tunnel's own datagrams (and neighbour discovery)."""
        own = f"udp and dst host {lab.GATEWAY} and (dst port 500 or dst port 4500)"
        mac = json.loads(self.host.run(["ip", "-j", "link", "show", "wlan0"]).stdout)[0]["address"]
        leaked = self.read(f"ether src {mac} and not ({own}) and not icmp6")
        require(not leaked, f"{len(leaked)} packets beside the tunnel, {what}: {leaked[:3]}")


def add_hostile_routes(host):
    """What a DHCP client makes of option 121 (TunnelVision), and of an address that is public
    (TunnelCrack's LocalNet)."""
    for network in ("0.0.0.0/1", "128.0.0.0/1", f"{lab.INTERNET}/32", f"{lab.OFFICE}/32",
                    "192.0.2.0/24"):
        host.ip("route", "add", network, "via", lab.NAPT_INSIDE, "proto", "dhcp")
    host.ip("addr", "add", "198.18.0.1/15", "dev", "wlan0")


def end_hostile_routes(host):
    for network in ("0.0.0.0/1", "128.0.0.0/1", f"{lab.INTERNET}/32", f"{lab.OFFICE}/32",
                    "192.0.2.0/24"):
        host.ip("route", "del", network)
    host.ip("addr", "del", "198.18.0.1/15", "dev", "wlan0")


def is_open(client):
    """Whether the laptop reaches its network beside the tunnel."""
    return client.host.ping(lab.NAPT_INSIDE, seconds=1)


@case
def c01_tunnelvision_and_c02_localnet(bench):
    # Without a kill switch: the routes alone have to hold.
    bench.raise_lab(EVERYTHING)
    client = bench.connected(FULL)
    add_hostile_routes(client.host)
    require(client.host.ping(lab.INTERNET), "the internet is not reachable through the tunnel")
    generator = Generator(client.host)
    time.sleep(1)
    # A private network on the link is no attack.
    require(is_open(client), "the local network is not reachable")
    generator.require_nothing_leaked("under TunnelVision and LocalNet")
    end_hostile_routes(client.host)
    bench.disconnect(client)


@case
def c02_server_ip(bench):
    # A name server that lies makes the gateway's address that of a place the user speaks to: only
    # the tunnel's own datagrams may go there.
    bench.raise_lab(EVERYTHING)
    client = bench.connected(FULL)
    recording = capture.Capture(client.host, "wlan0", "server-ip")
    client.host.sh(f"for i in $(seq 20); do echo x > /dev/udp/{lab.GATEWAY}/4500; "
                   f"echo x > /dev/udp/{lab.GATEWAY}/443; done", check=False)
    require(client.host.ping(lab.OFFICE), "the office does not answer")
    time.sleep(0.2)
    recording.stop()
    beside = [d for d in recording.datagrams()
              if d.target == lab.GATEWAY and (d.target_port == 443 or d.payload == b"x\n")]
    require_equal(len(beside), 0, "datagrams to the gateway's address beside the tunnel")
    bench.disconnect(client)


@case
def c09_kill_switch_survives_kill_9(bench):
    bench.raise_lab(EVERYTHING)
    client = bench.connected(CLOSED)
    add_hostile_routes(client.host)
    generator = Generator(client.host, [*PLACES, lab.NAPT_INSIDE])
    client.kill()
    require(not is_open(client), "a killed client opened the machine")
    # What a unit's ExecStopPost runs, and the next connect, do not open it either.
    require_equal(client.command("clean", client.name).returncode, godwit.OK, "exit code of clean")
    require(not is_open(client), "clean opened the machine")
    require("closed" in client.command("status", client.name).stderr, "status does not say so")
    bench.connect(client)
    client.kill()
    bench.connect(client)
    # One that ends by itself stays closed as well.
    client.write_profile(reconnect=0, **{"dpd-delay": "1s", "dpd-attempts": 1})
    client.kill()
    bench.connect(client)
    bench.lab.silence_gateway()
    wait_until(lambda: not client.pids(), "the tunnel to end by itself", 30)
    bench.lab.end_silence()
    require(not is_open(client), "a tunnel that ended by itself opened the machine")
    generator.require_nothing_leaked("after kill -9 and a dead gateway")
    end_hostile_routes(client.host)
    done = client.command("clean", "--open", client.name)
    require_equal(done.returncode, godwit.OK, "exit code of clean --open")
    bench.require_untouched(client)
    require(is_open(client), "the machine is still closed")


@case
def kill_switches_of_two_tunnels(bench):
    bench.raise_lab(EVERYTHING)
    first = bench.connected(CLOSED)
    second = godwit.Godwit(bench.lab.laptop, {**CLOSED, "interface": "gw-two", "local-port": 0,
                                              "local-natt-port": 0}, name="second")
    bench.clients.append(second)
    require_equal(second.connect().returncode, godwit.OK, "exit code of the second connect")
    for place in (lab.OFFICE, lab.INTERNET):
        require(first.host.ping(place), f"{place} is not reachable while both are up")
    require(not is_open(first), "two kill switches leave the machine open")
    require_equal(first.disconnect().returncode, godwit.OK, "exit code of disconnect")
    require(first.host.ping(lab.INTERNET), "the second tunnel ended with the first")
    require(not is_open(first), "the end of the first tunnel opened the machine")
    require_equal(second.disconnect().returncode, godwit.OK, "exit code of the second disconnect")
    bench.require_untouched(first)


@case
def c08_full_tunnel_holds_ipv6_back(bench):
    bench.raise_lab(EVERYTHING)
    client = bench.client(FULL)
    client.host.ip("-6", "route", "add", "default", "via", "fe80::1", "dev", "wlan0")
    client.before = client.host.snapshot()

    def leaves():
        route = client.host.run(["ip", "-6", "route", "get", "2001:db8::1"], check=False)
        return route.returncode == 0 and "unreachable" not in route.stdout

    for word, beside in (("tunnel", False), ("allow", True), ("block", False)):
        client.write_profile(ipv6=word)
        bench.connect(client)
        require_equal(leaves(), beside, f"IPv6 leaves beside the tunnel with ipv6 = {word}")
        bench.disconnect(client)
    require(leaves(), "IPv6 is held back after disconnect")


@case
def overlap_with_the_home_lan_is_reported(bench):
    # 192.168.77.0/24 is the laptop's own network, and the gateway's router has an address there.
    bench.raise_lab(EVERYTHING)
    client = bench.client({**godwit.MAIN, "networks": ["192.168.0.0/16", lab.OFFICE_NET],
                           "phase2": "one"})
    client.host.ip("link", "add", "docker0", "type", "bridge")
    client.host.ip("addr", "add", "10.50.0.129/25", "dev", "docker0")
    client.host.ip("link", "set", "docker0", "up")
    client.before = client.host.snapshot()
    done = bench.connect(client)
    for device in ("wlan0", "docker0"):
        require(device in done.stdout, f"the overlap with {device} is not told: {done.stdout}")
    require(not is_open(client), "the local network wins without prefer")
    bench.disconnect(client)
    client.write_profile(prefer="local")
    done = bench.connect(client)
    require(is_open(client), "the local network does not win with prefer = local")
    bench.disconnect(client)
    # What is excluded is spared by the kill switch, too.
    client.write_profile(prefer=None, **{"exclude-networks": ["192.168.77.0/24"],
                                         "kill-switch": "on"})
    bench.connect(client)
    require(is_open(client), "the kill switch does not spare what is excluded")
    bench.disconnect(client)


@case
def gateway_inside_a_pushed_route_cannot_loop(bench):
    bench.raise_lab(EVERYTHING)
    client = bench.connected({**godwit.MAIN, "networks": ["203.0.113.0/24", lab.OFFICE_NET]})
    before = client.status()["traffic"]["out"]["packets"]
    require(client.host.ping(lab.OFFICE), "the office does not answer")
    time.sleep(1)
    sent = client.status()["traffic"]["out"]["packets"] - before
    require(sent < 50, f"datagrams go round: {sent} in a second")
    bench.disconnect(client)


@case
def portal_opens_for_a_while(bench):
    # The web and DNS of the network, and its own private addresses; nothing else of the internet.
    bench.raise_lab(EVERYTHING)
    client = bench.connected(CLOSED)
    shown = json.loads(client.command("routes", client.name, "--json").stdout)
    ways = {route["destination"]: route["way"] for route in shown["routes"]}
    require_equal((ways["0.0.0.0/0"], ways["192.168.77.0/24"]), ("tunnel", "outside"), "routes")
    require("a local network (wlan0)" in client.command("routes", client.name).stdout,
            "routes does not say why")
    bench.lab.silence_gateway()
    require(not is_open(client), "the machine is open before the portal")
    for seconds in ("1801", "-1", "x"):
        require_equal(client.command("portal", client.name, seconds).returncode, 2,
                      f"exit code of portal {seconds}")
    generator = Generator(client.host, [lab.INTERNET, ELSEWHERE])
    done = client.command("portal", client.name, "4")
    require_equal(done.returncode, godwit.OK, "exit code of portal")
    begin = time.monotonic()
    require(is_open(client), "the portal is not reachable")
    require("portal" in client.command("routes", client.name).stdout, "routes hides the portal")
    wait_until(lambda: not is_open(client), "the portal to close by itself", 10)
    require(time.monotonic() - begin < 8, "the portal closed too late")
    # A process that dies takes no portal's end with it.
    client.command("portal", client.name, "3")
    client.kill()
    require(is_open(client), "the portal ended with the process")
    wait_until(lambda: not is_open(client), "the portal of a dead process to close", 10)
    # What nobody is there for root opens, and ends, all the same.
    require_equal(client.command("portal", client.name).returncode, godwit.OK, "portal, dead")
    require(is_open(client), "the portal is not reachable without a process")
    require_equal(client.command("portal", client.name, "0").returncode, godwit.OK, "portal 0")
    require(not is_open(client), "portal 0 closes nothing")
    # DNS and the web may pass; the other port of the program's may not.
    leaked = generator.read("ip and udp and dst port 9")
    require(not leaked, f"{len(leaked)} packets beside the tunnel and the portal: {leaked[:3]}")
    bench.lab.end_silence()
    bench.connect(client)
    client.command("portal", client.name)
    require(is_open(client), "the portal is not reachable while the tunnel is up")
    client.command("portal", client.name, "0")
    require(client.host.ping(lab.OFFICE), "the tunnel's routes did not come back")
    bench.disconnect(client)


@case
def c03_neighbours_do_not_reach_the_inner_address(bench):
    # CVE-2019-14899: a neighbour that gets an answer learns which connections a tunnel has.
    bench.raise_lab(EVERYTHING, rogue=True)
    client = bench.connected(FULL)
    rogue = bench.lab.rogue
    rogue.ip("route", "add", client.address(), "via", lab.LAPTOP)

    def answers():
        probe = ("import socket, sys\ns = socket.socket()\ns.settimeout(1)\n"
                 f"sys.exit(s.connect_ex(('{client.address()}', 7777)) == 111)")
        return rogue.run([sys.executable, "-c", probe], check=False).returncode != 0

    require(not answers(), "a neighbour gets a RST from the inner address")
    require(client.host.ping(lab.OFFICE), "the tunnel's own packets are held back")
    # The test is one: without the guard there is an answer.
    client.host.run(["nft", "delete", "table", "inet", "godwit_office___guard"])
    require(answers(), "there is nothing to guard against: no test")
    bench.disconnect(client)


@case
def strict_reverse_path_filter(bench):
    bench.raise_lab(EVERYTHING)
    bench.lab.laptop.sysctl(net__ipv4__conf__all__rp_filter=1, net__ipv4__conf__wlan0__rp_filter=1)
    before = bench.lab.laptop.run(["sysctl", "net.ipv4.conf.all.src_valid_mark"]).stdout
    client = bench.connected(FULL)
    require(client.host.ping(lab.INTERNET), "the internet is not reachable through the tunnel")
    bench.fetch(client)
    client.kill()
    bench.connect(client)
    # Of two tunnels the last one takes the setting back, whichever that is.
    second = godwit.Godwit(bench.lab.laptop, {**FULL, "interface": "gw-two", "local-port": 0,
                                              "local-natt-port": 0}, name="second")
    bench.clients.append(second)
    for first, last in ((client, second), (second, client)):
        for tunnel in (client, second):
            require_equal(tunnel.connect("--if-needed").returncode, godwit.OK, "connect")
        require_equal(first.disconnect().returncode, godwit.OK, "exit code of disconnect")
        require(last.host.ping(lab.INTERNET), "the other tunnel ended too")
        require_equal(last.disconnect().returncode, godwit.OK, "exit code of the last disconnect")
        bench.require_untouched(client)
        require_equal(bench.lab.laptop.run(["sysctl", "net.ipv4.conf.all.src_valid_mark"]).stdout,
                      before, "src_valid_mark after disconnect")


# Of each event: a tenth and less of what a campaign by hand does (GODWIT_LEAK_ROUNDS=10).
ROUNDS = int(os.environ.get("GODWIT_LEAK_ROUNDS", "1"))
SLEEP = float(os.environ.get("GODWIT_LEAK_SLEEP", "0.3"))
EVERYWHERE = (*PLACES, lab.NAPT_INSIDE, OUTSIDE6)
RESTLESS = {**CLOSED, "dpd-delay": "1s", "dpd-attempts": 1, "esp-lifetime-bytes": "1MiB"}


def closed_laptop(bench, **options):
    """A laptop with IPv6 whose kill switch is closed, and a tunnel that is up."""
    bench.raise_lab(EVERYTHING, **options)
    client = bench.client(RESTLESS)
    client.host.ip("-6", "route", "add", "default", "via", "fe80::1", "dev", "wlan0")
    client.before = client.host.snapshot()
    bench.connect(client)
    return client


@case
def leaks_nothing_while_connects_die(bench):
    # kill -9 at any moment of a connect, transactions of nft and of routes included.
    client = closed_laptop(bench, half_open=1000)
    generator = Generator(client.host, EVERYWHERE)
    chance = random.Random(5)
    client.kill()
    for _ in range(20 * ROUNDS):
        process = client.start_connect()
        time.sleep(chance.uniform(0, 0.35))
        client.kill()
        process.wait(timeout=10)
    bench.connect(client)
    generator.require_silence("connects that die")
    bench.disconnect(client)
    require(is_open(client), "the machine is still closed")


@case
def leaks_nothing_while_a_tunnel_lives(bench):
    client = closed_laptop(bench)
    laptop = client.host
    generator = Generator(laptop, EVERYWHERE)
    for _ in range(6 * ROUNDS):
        bench.gateway.swanctl("--rekey", "--child", "net", check=False)
        bench.fetch(client)  # 4 MiB, and so four pairs of keys and more
    require(client.status()["rekeys"] >= 8 * ROUNDS, "there were few rekeys: no test")
    for turn in range(4 * ROUNDS):  # another address
        new, old = 20 + turn % 200, 10 if turn == 0 else 20 + (turn - 1) % 200
        laptop.ip("addr", "del", f"192.168.77.{old}/24", "dev", "wlan0")
        laptop.ip("addr", "add", f"192.168.77.{new}/24", "dev", "wlan0")
        laptop.ip("route", "replace", "default", "via", lab.NAPT_INSIDE, "dev", "wlan0")
        time.sleep(0.2)
    for _ in range(2 * ROUNDS):
        laptop.ip("link", "set", "wlan0", "down")
        time.sleep(0.1)
        laptop.ip("link", "set", "wlan0", "up")
        laptop.ip("route", "replace", "default", "via", lab.NAPT_INSIDE, "dev", "wlan0")
    for _ in range(3 * ROUNDS):  # as a machine that sleeps
        for number, seconds in ((signal.SIGSTOP, SLEEP), (signal.SIGCONT, 0.3)):
            for pid in client.pids():
                os.kill(pid, number)
            time.sleep(seconds)
    for _ in range(2 * ROUNDS):
        bench.gateway.kill()
        time.sleep(1.2)
        bench.gateway.start()
    wait_until(lambda: laptop.ping(lab.OFFICE, seconds=1), "the tunnel to come back", 90)
    laptop.ip("link", "del", client.interface)  # by an administrator
    time.sleep(0.5)
    require(not is_open(client), "a tunnel without its device opened the machine")
    generator.require_silence("the life of a tunnel")
    client.disconnect()
    client.command("disconnect", client.name)
    require(not client.pids(), "the tunnel does not end")
    require_equal(laptop.run(["nft", "list", "ruleset"]).stdout, "", "nft after disconnect")
    require_equal(laptop.sh("ls -A /run/godwit 2>/dev/null || true").stdout, "", "/run/godwit")


def start_as_unit(client):
    """In the foreground, with somebody to notify, as a service manager starts it."""
    log = f"{client.name}-unit.log"
    pathlib.Path(client.host.folder, log).unlink(missing_ok=True)
    process = client.host.start(["env", "NOTIFY_SOCKET=/run/nobody", client.program, "connect",
                                 client.name, "--foreground"], log)
    wait_until(lambda: process.poll() is not None or "is up" in lab.tail(process.log), "the unit")
    require(process.poll() is None, lab.tail(process.log))
    return process


def boot(client):
    """A restart of the machine, which leaves nothing of a tunnel, `godwit close`, the network."""
    client.host.ip("link", "set", "wlan0", "down")
    client.kill()
    require_equal(client.command("clean", "--open").returncode, godwit.OK, "exit code of clean")
    require_equal(client.host.run(["nft", "list", "ruleset"]).stdout, "", "nft before the boot")
    done = client.command("close", client.name)
    require_equal((done.returncode, done.stderr), (godwit.OK, ""), "close")
    client.host.ip("link", "set", "wlan0", "up")
    client.host.ip("route", "replace", "default", "via", lab.NAPT_INSIDE, "dev", "wlan0")
    client.host.ip("-6", "route", "replace", "default", "via", "fe80::1", "dev", "wlan0")


@case
def leaks_nothing_while_it_is_started_again(bench):
    client = closed_laptop(bench)
    laptop = client.host
    generator = Generator(laptop, EVERYWHERE)
    client.kill()
    client.command("clean")
    names = laptop.read("/etc/resolv.conf")
    for _ in range(5 * ROUNDS):
        unit = start_as_unit(client)
        unit.terminate()
        require_equal(unit.wait(timeout=15), godwit.OK, "exit code of a unit that is stopped")
    require("the kill switch stays" in lab.tail(unit.log), "the unit does not say that it does")
    require(not is_open(client), "the end of a unit opened the machine")
    for _ in range(20 * ROUNDS):
        bench.connect(client)
        client.kill()
    for turn in range(2 * ROUNDS):
        boot(client)
        time.sleep(0.2)
        require(turn > 0 or not is_open(client), "a machine that was closed at boot is open")
        bench.connect(client)
    for _ in range(2 * ROUNDS):  # by NetworkManager
        laptop.sh("install -m 755 /dev/stdin /etc/fresh && mv /etc/fresh /etc/resolv.conf",
                  input=names)
        wait_until(lambda: "godwit" in laptop.read("/etc/resolv.conf"), "resolv.conf to be ours", 5)
    for _ in range(2 * ROUNDS):  # by an administrator
        laptop.ip("link", "del", client.interface)
        wait_until(lambda: not client.pids(), "a tunnel without its device to end")
        bench.connect(client)
    generator.require_silence("tunnels that are started again")
    # Who disconnects opens the machine, whoever started the tunnel.
    client.kill()
    unit = start_as_unit(client)
    require_equal(client.disconnect().returncode, godwit.OK, "exit code of disconnect")
    require_equal(unit.wait(timeout=15), godwit.OK, "exit code of a unit that is disconnected")
    require(is_open(client), "the machine is still closed")
    bench.require_untouched(client)


@case
def closed_without_a_tunnel(bench):
    bench.raise_lab(EVERYTHING)
    bench.lab.laptop.write("/etc/resolv.conf",
                           f"nameserver {lab.NAPT_INSIDE}\noptions timeout:1 attempts:1\n")
    client = bench.client({**FULL, "gateway": "gw.nowhere.example"})
    require_equal(client.command("close", client.name).returncode, godwit.PROFILE,
                  "close without a kill switch")
    client.write_profile(**{"kill-switch": "on"})
    # Where it cannot be closed, nothing says that it is.
    without_nft = "mount --bind /dev/null $(readlink -f $(command -v nft)) && exec"
    done = client.host.run(["unshare", "-m", "sh", "-c",
                            f"{without_nft} {client.program} close {client.name}"], check=False)
    require("install nftables" in done.stderr, f"without nft: {done.stderr}")
    require("closed" not in client.command("status", client.name).stderr, "status says closed")
    for _ in range(2):
        done = client.command("close", client.name)
        require_equal(done.returncode, godwit.OK, "exit code of close")
        require("gw.nowhere.example is not known" in done.stderr, f"not said: {done.stderr}")
        require(not is_open(client), "close left the machine open")
    done = client.connect()
    require_equal(done.returncode, godwit.NAME_RESOLUTION, "exit code of connect")
    require("`godwit disconnect office` opens it" in done.stderr, done.stderr)
    require(not is_open(client), "a connect that failed opened the machine")
    # The name is in /etc/hosts: no name server is needed.
    client.host.write("/etc/hosts", f"{lab.GATEWAY} gw.nowhere.example\n")
    done = client.command("close", client.name, "--json")
    require(json.loads(done.stdout)["gateway_known"], "a name of /etc/hosts is not found")
    client.host.write("/etc/hosts", "")
    bench.connect(client)
    done = client.command("close", client.name)
    require_equal(done.returncode, godwit.OK, "exit code of close beside a tunnel")
    require(client.host.ping(lab.INTERNET), "close took the tunnel down")
    require_equal(client.disconnect().returncode, godwit.OK, "exit code of disconnect")
    require(is_open(client), "disconnect opened nothing")
    done = client.command("close", client.name)
    require_equal(client.disconnect().returncode, godwit.OK, "disconnect without a tunnel")
    require(is_open(client), "disconnect opened nothing")
    bench.require_untouched(client)
