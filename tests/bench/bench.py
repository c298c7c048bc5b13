"""godwit beside vpnc and strongSwan, against one gateway, through one NAPT, in one run."""

import argparse
import json
import os
import platform
import re
import statistics
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "lab"))

import certificates  # noqa: E402
import gateway  # noqa: E402  (the lab is a sibling folder, not a package)
import godwit  # noqa: E402
import lab  # noqa: E402
from lab import wait_until  # noqa: E402
from swanctl import Swanctl  # noqa: E402
from vpnc import Vpnc  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
ROWS = [("connect, until the office answers", "ms"), ("ping p50, added to the bare path", "us"),
        ("iperf3 up", "Mb/s"), ("iperf3 down", "Mb/s"), ("client CPU per GB up", "s"),
        ("client CPU per GB down", "s"), ("peak RSS", "MB")]


def cpu_seconds(pids):
    """User and system time of processes, all their threads included."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def peak_rss(pids):
    """The sum of what each process had in memory at most, in MB."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/status", encoding="utf-8") as status:
            total += int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1))
    return total / 1024


def ping_p50(host, address):
    """The median round trip of 200 pings, in microseconds."""
    done = host.run(["ping", "-n", "-i", "0.01", "-c", "200", address])
    return statistics.median(float(ms) for ms in re.findall(r"time=([\d.]+) ms", done.stdout)) * 1e3


def iperf(made, address, seconds, *flags):
    """One TCP stream; returns Mb/s and the bytes that arrived."""
    port = ["-p", str(lab.IPERF_PORT)]
    server = made.office.start(["iperf3", "-s", "-1", *port], "iperf3.log")
    wait_until(lambda: f":{lab.IPERF_PORT} " in made.office.run(["ss", "-Hltn"]).stdout, "iperf3")
    done = made.laptop.run(["iperf3", "-c", address, *port, "-C", "cubic", "-t", str(seconds), "-J",
                            *flags], timeout=seconds + 30, check=False)
    server.wait(timeout=10)
    said = json.loads(done.stdout)
    if "error" in said or "sum_received" not in said["end"]:
        raise lab.LabError(f"iperf3: {said.get('error', done.stdout[-400:])}")
    received = said["end"]["sum_received"]
    return received["bits_per_second"] / 1e6, received["bytes"]


class GodwitUnderTest:
    def __init__(self, made, profile):
        self.client = godwit.Godwit(made.laptop, profile)

    def connect(self):
        begin = time.monotonic()
        done = self.client.connect()
        if done.returncode != 0 or not self.client.host.ping(lab.OFFICE):
            raise lab.LabError(f"godwit did not connect: {done.stdout}{done.stderr}")
        return time.monotonic() - begin

    def pids(self):
        return self.client.pids()

    def disconnect(self):
        self.client.disconnect()


class VpncUnderTest:
    def __init__(self, made):
        self.client = Vpnc(made.laptop)

    def connect(self):
        return self.client.connect()

    def pids(self):
        return self.client.host.pids("vpnc")

    def disconnect(self):
        self.client.disconnect()


def one_run(made, peer, subject, bare_ping, seconds):
    connect = subject.connect()
    pids = subject.pids()
    added = ping_p50(made.laptop, lab.OFFICE) - bare_ping
    figures = [connect * 1e3, added]
    per_gb = []
    for flags in ((), ("-R",)):
        before = cpu_seconds(pids)
        speed, octets = iperf(made, lab.OFFICE, seconds, *flags)
        figures.append(speed)
        per_gb.append((cpu_seconds(pids) - before) / (octets / 1e9))
    figures += [*per_gb, peak_rss(pids)]
    subject.disconnect()
    wait_until(lambda: peer.established() == 0, "the gateway to forget the client")
    return figures


def table(names, results):
    """Medians: first each as a multiple of the first subject's, then side by side."""
    medians = [[statistics.median(column) for column in zip(*runs)] for runs in results]
    print(f"{'':<41}" + "".join(f"{name + ' / ' + names[0]:>40}" for name in names[1:])
          + "".join(f"{name:>20}" for name in names))
    for row, (title, unit) in enumerate(ROWS):
        values = [column[row] for column in medians]
        ratios = [f"{value / values[0]:.3f}x" if values[0] > 0 else "-" for value in values[1:]]
        print(f"{title:<36}{unit:>5}" + "".join(f"{ratio:>40}" for ratio in ratios)
              + "".join(f"{value:>20.2f}" for value in values))


def connect_table(title, names, results):
    """Milliseconds until the office answers, and each as a multiple of the first column's."""
    print(f"\n{title}")
    first = statistics.median(results[0])
    for name, runs in zip(names, results):
        middle = statistics.median(runs)
        print(f"  {name:<28}{middle * 1e3:>8.1f} ms median, {min(runs) * 1e3:.1f} to "
              f"{max(runs) * 1e3:.1f} ms{middle / first:>8.2f}x")


def taking_turns(peer, subjects, rounds):
    """Connects and disconnects in turns; the seconds of each connect, one list a subject."""
    results = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, subject in subjects.items():
            results[name].append(subject.connect())
            subject.disconnect()
            wait_until(lambda: peer.established() == 0, "the gateway to forget the client")
    return list(results), list(results.values())


def bench_connects(rounds):
    """How long a connect takes, beside each rival in the mode that it knows."""
    with lab.Lab() as made:
        made.serve_office(1)
        peer = gateway.Gateway(made.gateway, gateway.VPNC)
        names, results = taking_turns(peer, {
            "vpnc": VpncUnderTest(made),
            "godwit": GodwitUnderTest(made, godwit.VPNC),
        }, rounds)
        connect_table(f"Aggressive Mode, XAuth, {gateway.VPNC_IKE}:", names, results)
    ike, esp = "aes256-sha256-modp2048", "aes128gcm16"
    with lab.Lab() as made:
        made.serve_office(1)
        peer = gateway.Gateway(made.gateway, gateway.MAIN)
        # charon holds ports 500 and 4500 of the laptop.
        names, results = taking_turns(peer, {
            "swanctl, its daemon running": Swanctl(made.laptop, ike, esp),
            "godwit": GodwitUnderTest(made, {**godwit.MAIN, "ike": [ike], "esp": [esp],
                                             "local-port": 0, "local-natt-port": 0}),
        }, rounds)
        connect_table(f"Main Mode, pre-shared key, {ike}:", names, results)
    bench_certificates(rounds, ike, esp)


def bench_certificates(rounds, ike, esp):
    with lab.Lab() as made:
        made.serve_office(1)
        authority = certificates.Authority(os.path.join(made.folder, "ca"))
        files = authority.gateway_files()
        peer = gateway.Gateway(made.gateway, gateway.Connection("main", auth="pubkey"),
                               files=lambda _: files)
        certificate, key = authority.issue("laptop", "DNS:laptop.example")
        for name, text in (("laptop.pem", certificate), ("laptop.key", key),
                           ("ca.pem", authority.pem)):
            made.laptop.write(f"/etc/godwit/{name}", text, mode=0o600)
        names, results = taking_turns(peer, {
            "swanctl, its daemon running": Swanctl(
                made.laptop, ike, esp, files=lambda _: {
                    "x509ca/ca.pem": authority.pem, "x509/laptop.pem": certificate,
                    "private/laptop.rsa.pem": key}),
            "godwit": GodwitUnderTest(made, {
                **godwit.MAIN, "auth": "cert", "psk-file": None, "ike": [ike], "esp": [esp],
                "cert-file": "/etc/godwit/laptop.pem", "key-file": "/etc/godwit/laptop.key",
                "ca-file": "/etc/godwit/ca.pem", "local-port": 0, "local-natt-port": 0}),
        }, rounds)
        connect_table(f"Main Mode, RSA certificates of 2048 bits, {ike}:", names, results)


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        model = re.search(r"model name\s*:\s*(.*)", cpuinfo.read())
    return (f"{os.cpu_count()} CPUs ({model.group(1) if model else platform.machine()}), "
            f"Linux {platform.release()}")


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/run")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of each iperf3 stream")
    parser.add_argument("--connects", type=int, default=20, help="connects of each client")
    parser.add_argument("--only-connects", action="store_true", help="leave out the speed")
    parser.add_argument("--godwit",
                        help="the client to measure; default: build-bench/client/godwit")
    options = parser.parse_args()
    os.nice(-20)  # other work of the machine waits
    program = options.godwit or os.path.join(TOP, "build-bench", "client", "godwit")
    godwit.Godwit.program = os.path.abspath(program)
    bench_connects(options.connects)
    if not options.only_connects:
        bench_speed(options)
    return 0


def bench_speed(options):
    with lab.Lab() as made:
        made.serve_office(1)
        made.open_bare_path()
        wide = gateway.Connection("aggressive", aggressive=True, xauth=True,
                                  remote_id=f"keyid:{gateway.GROUP}",
                                  ike=f"{gateway.VPNC_IKE},{gateway.STRONG_IKE}",
                                  esp=f"{gateway.VPNC_ESP},aes128gcm16")
        peer = gateway.Gateway(made.gateway, wide)
        bare_ping = ping_p50(made.laptop, lab.OTHER)
        bare_up, _ = iperf(made, lab.OTHER, 2)
        bare_down, _ = iperf(made, lab.OTHER, 2, "-R")
        subjects = {
            "vpnc aes128-sha1": lambda: VpncUnderTest(made),
            "godwit aes128-sha1": lambda: GodwitUnderTest(made, godwit.VPNC),
            "godwit aes128gcm16": lambda: GodwitUnderTest(
                made, {**godwit.VPNC, "esp": ["aes128gcm16"]}),
        }
        results = {name: [] for name in subjects}
        for number in range(options.runs):
            # The subjects take turns, so that a busy moment of the machine meets all of them.
            for name, make in subjects.items():
                print(f"run {number + 1} of {options.runs}: {name}", file=sys.stderr, flush=True)
                results[name].append(one_run(made, peer, make(), bare_ping, options.seconds))
    print(f"\nMedians of {options.runs} runs on {machine()}.")
    print("laptop - NAPT - gateway - office in network namespaces; Aggressive Mode, XAuth, "
          f"{gateway.VPNC_IKE}.")
    print("The gateway is one strongSwan with ESP in user space (kernel-libipsec) and shares these "
          "CPUs: it may be what limits the speed.")
    print(f"iperf3: one TCP stream (cubic), {options.seconds} s each way. CPU: user and system of "
          "the client's process. Bare path, without any tunnel: "
          f"ping p50 {bare_ping:.0f} us, up {bare_up:.0f} Mb/s, down {bare_down:.0f} Mb/s.\n")
    table(list(subjects), list(results.values()))


if __name__ == "__main__":
    sys.exit(main())
