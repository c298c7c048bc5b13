"""What is sent through a tunnel, and what the machine pays for it."""

import json
import os
import re
import statistics
import time

from lab import LabError, wait_until
from pair import BUILD

TICKS = os.sysconf("SC_CLK_TCK")
UDP = os.path.join(BUILD, "godwit_bench_udp")
PORT = 5201


def busy_seconds():
    """What all CPUs did since the machine started, softirqs included: nothing hides in there."""
    with open("/proc/stat", encoding="utf-8") as stat:
        fields = [int(field) for field in stat.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS


def context_switches(pids):
    total = 0
    for pid in pids:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/status", encoding="utf-8") as status:
                total += sum(int(n) for n in re.findall(r"ctxt_switches:\s+(\d+)", status.read()))
    return total


def process_seconds(pids):
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


def forget(host, log):
    """What an earlier process printed."""
    path = os.path.join(host.folder, log)
    if os.path.exists(path):
        os.remove(path)


def serve(right):
    """The iperf3 server; the caller ends it."""
    server = right.start(["iperf3", "-s", "-p", str(PORT)], "iperf3.log")
    wait_until(lambda: f":{PORT} " in right.run(["ss", "-Hltn"]).stdout, "iperf3")
    return server


def tcp(left, target, seconds, *flags):
    """Gb/s that arrived, both ways added, and the octets."""
    for attempt in range(3):
        done = left.run(["iperf3", "-c", target, "-p", str(PORT), "-C", "cubic", "-t",
                         str(seconds), "-O", "1", "-J", *flags], timeout=seconds + 30, check=False)
        said = json.loads(done.stdout)
        if "error" not in said:
            break
        # iperf3's server may still be busy with the end of the test before.
        if attempt == 2:
            raise LabError(f"iperf3: {said['error']}")
        time.sleep(1)
    sums = [said["end"][key] for key in ("sum_received", "sum_received_bidir_reverse")
            if key in said["end"]]
    return (sum(one["bits_per_second"] for one in sums) / 1e9,
            sum(one["bytes"] for one in sums))


def ping(left, target, count, interval=0.002, during=None):
    """Round trips in microseconds, sorted; `during` is run when the pings have begun."""
    forget(left, "ping.log")
    process = left.start(["ping", "-n", "-i", str(interval), "-c", str(count), target], "ping.log")
    if during:
        during()
    process.wait(timeout=count * interval + 60)
    with open(process.log, encoding="utf-8") as log:
        times = sorted(float(ms) * 1e3 for ms in re.findall(r"time=([\d.]+) ms", log.read()))
    if not times:
        raise LabError("no ping came back")
    return times


def percentile(times, percent):
    return times[min(len(times) - 1, int(len(times) * percent / 100))]


def udp(pair, target, size, seconds, rate=0):
    """Datagrams a second that were sent, and that arrived."""
    forget(pair.right, "count.log")
    counter = pair.right.start([UDP, "count", target, "7000", str(seconds + 1.5)], "count.log")
    wait_until(lambda: os.path.getsize(counter.log) > 0, "the counter", step=0.01)
    done = pair.left.run([UDP, "send", target, "7000", str(size), str(seconds), str(rate)])
    counter.wait(timeout=seconds + 30)
    sent, sent_time = map(float, done.stdout.split())
    with open(counter.log, encoding="utf-8") as log:
        received, _ = map(float, log.read().split()[-2:])
    return sent / sent_time, received / sent_time


def udp_without_loss(pair, target, size, seconds, highest):
    """The most datagrams a second, to about 4 %, of which at most one in a thousand is lost."""
    found, low, high = 0.0, highest / 100, highest
    for _ in range(7):
        # Halves of the ratio: what is sought may be a tenth of the flood or all of it.
        rate = (low * high) ** 0.5
        sent, received = udp(pair, target, size, seconds, rate)
        if received >= 0.999 * sent and sent > 0.95 * rate:
            found = low = rate
        else:
            high = rate
    return found


def streams(pair, subject, seconds):
    """One TCP stream each way, and what the machine paid for the second; by name."""
    out = {}
    out["up 1"] = tcp(pair.left, subject.target, seconds)[0]
    pids = subject.pids()
    before = busy_seconds(), context_switches(pids), process_seconds(pids)
    out["down 1"], octets = tcp(pair.left, subject.target, seconds, "-R")
    # The first second is not counted by iperf3, but it is paid for.
    gigabytes = octets / 1e9 * (seconds + 1) / seconds
    out["CPU s/GB"] = (busy_seconds() - before[0]) / gigabytes
    out["switches/GB"] = (context_switches(pids) - before[1]) / gigabytes
    out["own CPU s/GB"] = (process_seconds(pids) - before[2]) / gigabytes
    return out


def packets(pair, subject, seconds, full):
    """Every other number of one subject, by name."""
    left, target = pair.left, subject.target
    out = {}
    for size in (64, 512, 1300):
        out[f"flood {size}"] = udp(pair, target, size, seconds / 2)[1] / 1e3
    times = ping(left, target, 500)
    out["ping p50"], out["ping p99"] = statistics.median(times), percentile(times, 99)
    if full:
        out["up 8"] = tcp(left, target, seconds, "-P", "8")[0]
        out["down 8"] = tcp(left, target, seconds, "-P", "8", "-R")[0]
        out["both 1"] = tcp(left, target, seconds, "--bidir")[0]
        for size in (64, 512, 1300):
            out[f"no loss {size}"] = udp_without_loss(
                pair, target, size, 0.4, out[f"flood {size}"] * 1e3) / 1e3
    loaded = ping(left, target, int(seconds / 0.002),
                  during=lambda: tcp(left, target, seconds))
    out["loaded p50"], out["loaded p99"] = statistics.median(loaded), percentile(loaded, 99)
    out["peak RSS"] = peak_rss(subject.pids())
    return out


def measured(pair, subject, numbers):
    """What `numbers(pair, subject)` says while the subject runs."""
    subject.start()
    # Of its own: one whose test ended with the tunnel would wait for its client for minutes.
    server = serve(pair.right)
    try:
        out = numbers(pair, subject)
    finally:
        server.kill()
        server.wait(timeout=10)
        said = subject.stop()
    for end in said or []:
        for bad in ("replays", "bad_tags"):
            if end[bad]:
                raise LabError(f"{subject.name}: {end[bad]} {bad}: {end}")
    return out
