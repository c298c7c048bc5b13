"""What the lab's test cases share: the list of cases, requirements, and one runner per case."""

import functools
import json
import os
import re
import signal
import sys
import tempfile
import time
import traceback

import gateway
import godwit
import guest
import guest_image
import lab
import scripted

CASES = {}
SLOW = set()


class Failed(Exception):
    """The client did not do what the case requires."""


class Skipped(Exception):
    """The case cannot run here; the text says why."""


def case(function=None, *, name=None, slow=False):
    """Enters a function of the form f(bench) into the list of cases, under its own name.

    `slow`: it waits for half a minute or more, so it begins before the others.
    """
    if function is None:
        return functools.partial(case, name=name, slow=slow)
    CASES[name or function.__name__] = function
    if slow:
        SLOW.add(name or function.__name__)
    return function


def require(condition, message):
    if not condition:
        raise Failed(message)


def require_equal(found, expected, what):
    require(found == expected, f"{what}: expected {expected!r}, found {found!r}")


def require_guests():
    """Skips the case where no guest can run."""
    why = guest_image.missing()
    if why:
        raise Skipped(why)


class Bench:
    """One case's lab, gateway and client, with the steps that most cases take."""

    def __init__(self):
        self.lab = None
        self.gateway = None
        self.clients = []

    def raise_lab(self, *connections, second=False, rogue=False, nat=True, edge=None,
                  floating=False, ipv6=False, **options):
        self.lab = lab.Lab(second=second, rogue=rogue, nat=nat, edge=edge, floating=floating)
        if ipv6:
            self.lab.add_ipv6()
        self.url, self.checksum = self.lab.serve_office()
        self.gateway = gateway.Gateway(self.lab.gateway, *connections, **options)
        return self.lab

    def raise_kernel(self, *connections, nat=True, laptop=False, **options):
        """A lab whose gateway, and laptop if asked, is a guest with a Debian kernel."""
        require_guests()
        self.lab = lab.Lab(nat=nat)
        self.lab.gateway = guest.Guest(self.lab.gateway)
        if laptop:
            self.lab.laptop = guest.Guest(self.lab.laptop)
        self.url, self.checksum = self.lab.serve_office(megabytes=1)
        self.gateway = gateway.KernelGateway(self.lab.gateway, *connections, **options)
        return self.lab

    def raise_scripted(self, nat=True, **options):
        """A lab whose gateway and office are scripted.py, with these options."""
        self.lab = lab.Lab(nat=nat)
        self.gateway = self.start_scripted(self.lab.gateway, **options)
        return self.lab

    def start_scripted(self, host, address=lab.GATEWAY, **options):
        options = {"psk": gateway.PSK, "address": address, **options}
        # Not the interpreter of this run: Debian's module belongs to Debian's Python.
        started = host.start(["/usr/bin/python3", scripted.__file__, json.dumps(options)],
                             "scripted.log")
        lab.wait_until(lambda: self.said("^ready", started), "the scripted gateway")
        return started

    def said(self, pattern, scripted_gateway=None):
        """Whether the scripted gateway logged a line."""
        with open((scripted_gateway or self.gateway).log, encoding="utf-8",
                  errors="replace") as log:
            return re.search(pattern, log.read(), re.MULTILINE)

    def lines(self, pattern):
        """All that the scripted gateway logged so."""
        with open(self.gateway.log, encoding="utf-8", errors="replace") as log:
            return re.findall(pattern, log.read(), re.MULTILINE)

    def client(self, profile, host=None, **options):
        client = godwit.Godwit(host or self.lab.laptop, profile, **options)
        client.before = client.host.snapshot()
        self.clients.append(client)
        return client

    def connected(self, profile, host=None, **options):
        """A client whose connect returned 0 and through which the office can be reached."""
        client = self.client(profile, host, **options)
        self.connect(client)
        return client

    def connect(self, client):
        done = client.connect()
        require_equal(done.returncode, godwit.OK, "exit code of connect")
        # connect promised that traffic can flow, so the first packet has to arrive.
        require(client.host.ping(lab.OFFICE), "no answer from the office after connect")
        return done

    def fetch(self, client):
        require_equal(self.lab.fetch(client.host, self.url), self.checksum,
                      "checksum of the office's file")

    def disconnect(self, client):
        """Disconnects and requires the host to be as it was before connect."""
        require_equal(client.disconnect().returncode, godwit.OK, "exit code of disconnect")
        self.require_untouched(client)

    def require_untouched(self, client):
        changed = lab.differences(client.before, client.host.snapshot())
        require(not changed, f"the machine is not as it was before:\n{changed}")

    def require_refused(self, client, code, *words, timeout=90):
        """Requires a connect that fails with a code, says the words, and leaves no trace."""
        done = client.connect(timeout=timeout)
        codes = code if isinstance(code, tuple) else (code,)
        require(done.returncode in codes,
                f"exit code of connect: expected {codes}, found {done.returncode}")
        said = done.stdout + done.stderr
        for word in words:
            require(word in said, f"the client does not say '{word}': {said}")
        self.require_untouched(client)

    def tails(self):
        """The ends of all logs, the client's first."""
        if self.lab is None or not os.path.isdir(self.lab.folder):
            return ""
        found = []
        for folder, _, files in os.walk(self.lab.folder):
            found += [os.path.join(folder, file) for file in files if file.endswith(".log")]
        def order(path):
            return ("charon" in path, "http" in path or "iperf" in path, path)
        return "".join(f"--- {os.path.relpath(path, self.lab.folder)}\n{lab.tail(path)}"
                       for path in sorted(found, key=order)
                       if not os.path.basename(path).startswith(("http", "iperf3")))

    def close(self):
        if self.lab is not None:
            left = self.lab.close()
            require(not left, "left behind: " + "; ".join(left))


def terminate(number, _frame):
    sys.exit(128 + number)


def run_case(name):
    """Runs one case in this process; returns its verdict, reason, and the logs of a failure."""
    signal.signal(signal.SIGTERM, terminate)
    signal.signal(signal.SIGINT, terminate)
    bench = Bench()
    verdict, reason, logs = "ok", "", ""
    try:
        CASES[name](bench)
    except Skipped as why:
        verdict, reason = "skip", str(why)
    except (Failed, lab.LabError) as why:
        verdict, reason = "FAIL", str(why)
    except Exception:  # a mistake in the case itself must not end the run
        verdict, reason = "FAIL", traceback.format_exc()
    try:
        if verdict == "FAIL":
            logs = bench.tails() + keep_logs(bench, name)
    finally:
        try:
            bench.close()
        except Failed as why:
            verdict, reason = "FAIL", f"{reason}; {why}" if reason else str(why)
    return verdict, reason, logs


def keep_logs(bench, name):
    if bench.lab is None or not os.path.isdir(bench.lab.folder):
        return ""
    folder = tempfile.mkdtemp(prefix=f"godwit-lab-failed-{name}-")
    bench.lab.save_logs(folder)
    return f"--- all logs are kept in {folder}\n"


def timed(name):
    begin = time.monotonic()
    return (*run_case(name), time.monotonic() - begin)
