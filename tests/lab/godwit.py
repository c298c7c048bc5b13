"""The client under test, on one host of the lab."""

import json
import os
import re
import signal
import subprocess
import time

import gateway
import lab
from lab import wait_until

# Exit codes that the tests expect; client/exit_codes.h is the table.
OK = 0
USAGE = 2
PROFILE = 3
NOT_CONNECTED = 5
ALREADY_CONNECTED = 6
NAME_RESOLUTION = 10
NO_ANSWER = 11
PROPOSAL_REFUSED = 13
GATEWAY_AUTH_FAILED = 14
WE_ARE_REFUSED = 15
USER_REJECTED = 16
INPUT_NEEDED = 17
PHASE2_REFUSED = 20
NO_ANSWER_AFTER_FLOAT = 23
NO_NAT_TRAVERSAL = 24
PROTOCOL = 27
REDIRECTED = 29
SCRIPT_FAILED = 31
WAIT_OVER = 46
INTERRUPTED = 130

MAIN = {"mode": "main", "auth": "psk"}
MAIN_XAUTH = {"mode": "main", "auth": "xauth-psk", "user": gateway.USER}
AGGRESSIVE = {"mode": "aggressive", "auth": "xauth-psk", "user": gateway.USER,
              "id": gateway.GROUP, "id-type": "key-id", "ike": ["aes256-sha256-modp2048"],
              "allow-weak": ["aggressive-psk"]}
AGGRESSIVE_PSK = {**AGGRESSIVE, "auth": "psk", "user": None}
# For the scripted gateway, which takes what it is offered.
SCRIPTED = {**MAIN, "mode-config": False, "address": "10.60.0.9", "networks": [lab.OFFICE_NET],
            "ike": ["aes256-sha256-modp2048"], "esp": ["aes256-sha256"]}
# The same, in transport mode.
L2TP = {**MAIN, "l2tp": True, "ike": ["aes256-sha256-modp2048"], "esp": ["aes256-sha256"]}
# What vpnc does without being asked has to be named here.
VPNC = {**AGGRESSIVE, "ike": [gateway.VPNC_IKE], "esp": [gateway.VPNC_ESP],
        "allow-weak": ["modp1024", "aggressive-psk"]}


def toml(value):
    """A value as TOML; JSON's strings, numbers, booleans and lists are TOML's too."""
    return json.dumps(value)


def alive(pid):
    """Whether a process exists and is more than a zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def default_program():
    """The release build of this checkout."""
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return os.path.join(top, "build", "client", "godwit")


class Godwit:
    program = default_program()

    def __init__(self, host, profile, name="office", psk=gateway.PSK, password=gateway.PASSWORD):
        self.host = host
        self.name = name
        self.interface = "gw-lab"
        self.keys = {"gateway": lab.GATEWAY, "interface": self.interface,
                     "psk-file": f"/etc/godwit/{name}.psk", **profile}
        if self.keys["auth"] in ("xauth-psk", "xauth-cert", "hybrid"):
            # A test that wants no such key sets it to None.
            self.keys.setdefault("password-file", f"/etc/godwit/{name}.password")
        host.write(f"/etc/godwit/{name}.psk", psk + "\n", mode=0o600)
        host.write(f"/etc/godwit/{name}.password", password + "\n", mode=0o600)
        self.write_profile()

    def write_profile(self, **changes):
        self.keys.update(changes)
        self.host.write(f"/etc/godwit/{self.name}.toml",
                        "".join(f"{key} = {toml(value)}\n" for key, value in self.keys.items()
                                if value is not None))

    def command(self, *arguments, timeout=60):
        done = self.host.run([self.program, *arguments], check=False, timeout=timeout)
        with open(os.path.join(self.host.folder, f"{self.name}.log"), "a", encoding="utf-8") as log:
            log.write(f"$ godwit {' '.join(arguments)}\n{done.stdout}{done.stderr}"
                      f"(exit code {done.returncode})\n")
        return done

    def connect(self, *flags, timeout=60):
        return self.command("connect", self.name, *flags, timeout=timeout)

    def start_connect(self, *flags):
        """Starts a connect that the test watches or interrupts."""
        return self.host.start([self.program, "connect", self.name, *flags], f"{self.name}.log")

    def disconnect(self):
        return self.command("disconnect", self.name)

    def status(self):
        return json.loads(self.command("status", self.name, "--json").stdout)

    def drops(self):
        """How many inputs were counted as leading nowhere, by reason."""
        return self.status()["drops"]

    def pids(self):
        return self.host.pids("godwit")

    def kill(self):
        """kill -9 on every godwit of the host; returns when the kernel has closed their files."""
        pids = self.pids()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(map(alive, pids)), "godwit to be gone")

    def address(self):
        """The inner address, as the system has it."""
        shown = json.loads(self.host.run(["ip", "-j", "-4", "addr", "show", "dev",
                                          self.interface]).stdout)
        return shown[0]["addr_info"][0]["local"]

    def measured_connect(self):
        begin = time.monotonic()
        done = self.connect()
        return done, time.monotonic() - begin


def wait_for_line(process, pattern, seconds=15):
    """Waits until a started connect has printed a line."""
    def printed():
        with open(process.log, encoding="utf-8", errors="replace") as log:
            return re.search(pattern, log.read())
    return wait_until(printed, f"the client to print '{pattern}'", seconds)


def interrupt(process, seconds=10):
    """Ctrl-C, then the exit code."""
    process.send_signal(signal.SIGINT)
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return None
