"""A laptop's life: no network, another address, a stream that lives through it, and what it keeps.

The other cases of moving stand where they were found: cases_machine, cases_nat and cases_rekey."""

import os
import re
import signal
import subprocess
import sys
import time

import cases_dns
import gateway
import godwit
import lab
from harness import case, require, require_equal
from lab import wait_until

IMPATIENT = {"dpd-delay": "2s", "dpd-attempts": 2}

ECHO = """
import socket
server = socket.create_server(("", 7007))
while True:
    stream, _ = server.accept()
    while data := stream.recv(100):
        stream.sendall(data)
"""
TALK = """
import socket, sys, time
stream = socket.create_connection((sys.argv[1], 7007), timeout=120)
for number in range(100000):
    stream.sendall(b"%d\\n" % number)
    print(stream.recv(100).decode().strip(), flush=True)
    time.sleep(0.1)
"""


class Stream:
    """One TCP connection from the laptop to the office, for as long as it lives."""

    def __init__(self, bench):
        bench.lab.office.start([sys.executable, "-c", ECHO], "echo.log")
        wait_until(lambda: ":7007 " in bench.lab.office.run(["ss", "-Hltn"]).stdout, "the server")
        self.process = bench.lab.laptop.start([sys.executable, "-c", TALK, lab.OFFICE],
                                              "stream.log")
        self.require_alive(10)

    def lines(self):
        return lab.tail(self.process.log, 100000).split()

    def require_alive(self, seconds):
        before = len(self.lines())
        wait_until(lambda: len(self.lines()) > before + 3, "the TCP stream to go on", seconds)
        require(self.process.poll() is None, "the TCP stream ended")

    def end(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@case
def tcp_survives_a_gateway_that_forgot_us(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.connected({**godwit.MAIN, **IMPATIENT})
    stream = Stream(bench)
    bench.gateway.kill()
    time.sleep(4)
    bench.gateway.start()
    stream.require_alive(60)
    require(client.status()["ike"], "no ISAKMP SA")
    stream.end()
    bench.disconnect(client)


@case(slow=True)
def no_network_is_no_dead_gateway(bench):
    # DPD and the bound of reconnecting would have run out several times.
    bench.raise_lab(gateway.MAIN)
    client = bench.connected({**godwit.MAIN, **IMPATIENT, "reconnect": "10s"})
    stream = Stream(bench)
    laptop = bench.lab.laptop
    laptop.ip("link", "set", "wlan0", "down")
    time.sleep(30)
    require(client.pids(), "the client gave up without a network")
    require_equal(client.status()["waits_for"], "network", "what status says it waits for")
    laptop.ip("link", "set", "wlan0", "up")
    laptop.ip("route", "replace", "default", "via", lab.NAPT_INSIDE)
    stream.require_alive(90)
    require_equal(client.status()["waits_for"], None, "what it waits for then")
    stream.end()
    bench.disconnect(client)


@case
def another_inner_address_after_a_reboot(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.connected({**godwit.MAIN, **IMPATIENT})
    first = client.address()
    bench.gateway.kill()
    path = os.path.join(bench.gateway.folder, "swanctl.conf")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(f"addrs = {lab.POOL}\n", "addrs = 10.60.7.0/24\n"))
    bench.gateway.start()
    wait_until(lambda: client.host.ping(lab.OFFICE, seconds=1), "traffic to resume", 60)
    require(client.address() != first, "the inner address is the old one")
    bench.fetch(client)
    bench.disconnect(client)


@case
def dns_systemd_resolved_starts_again(bench):
    cases_dns.raise_with_names(bench)
    resolvectl = cases_dns.start_resolved(bench)
    client = bench.client(godwit.MAIN)
    bench.connect(client)
    require_equal(cases_dns.address_of(client.host, cases_dns.INTRANET), lab.OFFICE, "intranet")
    for pid in client.host.pids("systemd-resolved"):
        os.kill(pid, signal.SIGKILL)
    program = os.path.join(os.path.dirname(resolvectl[0]), "../../lib/systemd/systemd-resolved")
    program = os.path.abspath(program)
    wait_until(lambda: not client.host.pids("systemd-resolved"), "systemd-resolved to be gone")
    client.host.start([program], "resolved-again.log")
    wait_until(lambda: cases_dns.address_of(client.host, cases_dns.INTRANET) == lab.OFFICE,
               "the intranet's name to be found again", 20)
    shown = client.host.run([resolvectl[0], "status", client.interface]).stdout
    require("-LLMNR" in shown and "-mDNS" in shown, f"multicast names are asked: {shown}")
    bench.disconnect(client)


def threads_of(pid):
    return [f"/proc/{pid}/task/{thread}/status" for thread in os.listdir(f"/proc/{pid}/task")]


def found_in_memory(pid, secret):
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            if "w" not in rights or "[v" in line:
                continue
            begin, end = (int(part, 16) for part in span.split("-"))
            memory.seek(begin)
            try:
                if secret in memory.read(end - begin):
                    return True
            except OSError:
                continue
    return False


def status_of(path):
    with open(path, encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


@case
def a_password_of_a_file_is_forgotten(bench):
    """Not kept, it is wiped when it left, wherever it came from; the next time it is read again."""
    bench.raise_lab(gateway.MAIN_XAUTH)
    client = bench.client({**godwit.MAIN_XAUTH, "keep-password": False})
    bench.connect(client)
    (pid,) = client.pids()
    require(not found_in_memory(pid, gateway.PASSWORD.encode()), "the password is in memory")
    hardening = client.status()["hardening"]
    require(hardening["system_calls_filtered"], "system calls are not filtered")
    for path in threads_of(pid):
        status = status_of(path)
        require_equal(status["Seccomp"], "2", f"Seccomp of {path}")
    # Where RLIMIT_MEMLOCK cannot be lifted (containers) nothing is locked, and status says so.
    require_equal(hardening["memory_locked"], status["VmLck"].strip() != "0 kB", "locked memory")
    with open(f"/proc/{pid}/coredump_filter", encoding="ascii") as kinds:
        require_equal(int(kinds.read(), 16), 0, "the kinds of memory in a dump")
    bench.disconnect(client)


@case
def privileges_and_secrets_of_a_tunnel(bench):
    bench.raise_lab(gateway.MAIN_XAUTH)
    client = bench.client({**godwit.MAIN_XAUTH, "password-source": "stdin", "password-file": None,
                           "keep-password": False})
    done = client.host.run([client.program, "connect", client.name], check=False,
                           input=gateway.PASSWORD + "\n")
    require_equal(done.returncode, godwit.OK, f"exit code of connect: {done.stderr}")
    (pid,) = client.pids()
    for path in threads_of(pid):
        status = status_of(path)
        for name in ("CapEff", "CapPrm", "CapBnd"):
            require_equal(int(status[name], 16), 1 << 12, f"{name} of {path}")  # CAP_NET_ADMIN
        for name in ("CapInh", "CapAmb"):
            require_equal(int(status[name], 16), 0, f"{name} of {path}")
        require_equal(status["NoNewPrivs"], "1", f"NoNewPrivs of {path}")
    with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
        require(re.search(r"Max core file size\s+0\s+0\s", limits.read()), "a core may be dumped")
    # Long after the gateway was told who the user is, nobody needs his password.
    require(not found_in_memory(pid, gateway.PASSWORD.encode()), "the password is in memory")
    for file in ("cmdline", "environ"):
        with open(f"/proc/{pid}/{file}", "rb") as content:
            seen = content.read()
        for secret in (gateway.PASSWORD, gateway.PSK):
            require(secret.encode() not in seen, f"a secret stands in {file}")
    for folder, _, files in os.walk(client.host.folder):
        for name in files:
            if name.endswith(".log") and "strongswan" not in folder:
                said = lab.tail(os.path.join(folder, name), 100000)
                require(gateway.PASSWORD not in said, f"the password stands in {name}")
    os.kill(pid, signal.SIGSEGV)
    wait_until(lambda: not client.pids(), "the client to die")
    cores = subprocess.run(["find", client.host.folder, "/", "-maxdepth", "1", "-name", "core*"],
                           capture_output=True, text=True, check=False).stdout
    require("core." not in cores, f"a core was left: {cores}")
    bench.disconnect(client)
