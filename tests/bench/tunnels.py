"""The data path alone: two ends with fixed keys on one wire, beside other tunnels in user space."""

import argparse
import json
import os
import platform
import re
import statistics
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "lab"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import pair as pairs  # noqa: E402  (the lab is a sibling folder, not a package)
import traffic  # noqa: E402

LIMIT = "null forwarder"
BASE = "aes128gcm16"
PACKAGED = "wireguard-go (packaged)"
OFFLOADED = "wireguard-go (given .deb)"
ZERO = ("--zero-checksum",)

# What the columns are in, and how many digits say something.
UNITS = {"up 1": ("Gb/s", 2), "down 1": ("Gb/s", 2), "up 8": ("Gb/s", 2), "down 8": ("Gb/s", 2),
         "both 1": ("Gb/s", 2), "flood 64": ("k/s", 0), "flood 512": ("k/s", 0),
         "flood 1300": ("k/s", 0), "no loss 64": ("k/s", 0), "no loss 512": ("k/s", 0),
         "no loss 1300": ("k/s", 0), "ping p50": ("us", 0), "ping p99": ("us", 0),
         "loaded p50": ("us", 0), "loaded p99": ("us", 0), "CPU s/GB": ("s", 2),
         "own CPU s/GB": ("s", 2), "switches/GB": ("", 0), "peak RSS": ("MB", 1)}

RUNGS = [("without threads", {"GODWIT_THREADS": "1"}),
         ("io_uring, sockets multishot", {"GODWIT_RING": "udp"}),
         ("io_uring, single shot", {"GODWIT_RING": "single"}),
         ("epoll", {"GODWIT_RING": "off"}),
         ("TUN without USO", {"GODWIT_TUN": "tcp"}),
         ("TUN without offloads", {"GODWIT_TUN": "header"}),
         ("UDP not joined on receipt", {"GODWIT_UDP": "send"}),
         ("UDP one by one", {"GODWIT_UDP": "plain"}),
         ("mbedTLS", {"GODWIT_CRYPTO": "mbedtls"})]
SUITES = ["aes256gcm16", "aes128-sha1", "aes128-sha256", "aes256-sha256"]


def subjects_of(part, pair, wireguard):
    """The subjects of one part of the table. `wireguard`: a program by the name of its row."""
    null = pairs.Ends(pair, LIMIT, "--null")
    own = pairs.Ends(pair, BASE)
    others = [pairs.WireGuard(pair, name, program) for name, program in wireguard.items()]
    if part == "main":
        ciphers = [pairs.Ends(pair, suite, "--suite", suite) for suite in SUITES]
        return [pairs.Bare(pair), null, own, *ciphers, *others, pairs.OpenVpn(pair),
                pairs.StrongswanPair(pair)]
    if part == "rungs":
        return [null, own, *(pairs.Ends(pair, name, variables=variables)
                             for name, variables in RUNGS)]
    if part == "segmented":
        return [pairs.Bare(pair), null, own, *others]
    return [null, own, pairs.Ends(pair, "sender as xfrm: single, no checksum", *ZERO)]


TITLES = {"main": "veth as it is (segments pass whole, as through a card with USO and GRO)",
          "rungs": "each rung of the ladder, both ends on it; veth as it is; aes128gcm16",
          "segmented": "veth without segmentation: single datagrams on the wire",
          "zero": "both ends send single datagrams with a checksum of zero, as Linux xfrm does"}


def run_part(part, options, wireguard):
    """The medians of each subject of one part, by name."""
    results = {}
    full = part == "main" and not options.quick
    kinds = [("streams", lambda pair, subject: traffic.streams(pair, subject, options.seconds))]
    if not options.streams:
        kinds.append(("packets", lambda pair, subject: traffic.packets(
            pair, subject, options.seconds, full)))
    for number in range(options.runs):
        with pairs.Pair() as pair:
            if part == "segmented":
                pair.segment_in_software()
            subjects = [subject for subject in subjects_of(part, pair, wireguard)
                        if not options.only or re.search(options.only, subject.name)]
            # Streams first, of all subjects in turn: what is compared is measured within seconds,
            # for the speed of a shared machine changes within minutes.
            for kind, numbers in kinds:
                for subject in subjects:
                    print(f"{part}, run {number + 1} of {options.runs}, {kind}: {subject.name}",
                          file=sys.stderr, flush=True)
                    for key, value in traffic.measured(pair, subject, numbers).items():
                        results.setdefault(subject.name, {}).setdefault(key, []).append(value)
    return {name: {key: statistics.median(values) for key, values in row.items()}
            for name, row in results.items()}


def ratio(results, row, other, key):
    if other not in results or key not in results[row] or not results[other].get(key):
        return "-"
    return f"{results[row][key] / results[other][key]:.2f}x"


def print_table(title, results, against):
    """Ratios first, then the numbers; a row for each subject."""
    print(f"\n{title}")
    keys = [key for key in UNITS if any(key in row for row in results.values())]
    width = max(len(name) for name in results) + 2
    heads = [f"{way} of {short}" for way in ("up", "down") for _, short in against]
    print(" " * width + "".join(f"{head:>15}" for head in heads)
          + "".join(f"{key:>14}" for key in keys))
    print(" " * width + " " * 15 * len(heads) + "".join(f"{UNITS[key][0]:>14}" for key in keys))
    for name, row in results.items():
        cells = [ratio(results, name, other, key) for key in ("up 1", "down 1")
                 for other, _ in against]
        numbers = [f"{row[key]:.{UNITS[key][1]}f}" if key in row else "-" for key in keys]
        print(f"{name:<{width}}" + "".join(f"{cell:>15}" for cell in cells)
              + "".join(f"{cell:>14}" for cell in numbers))


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        model = re.search(r"model name\s*:\s*(.*)", cpuinfo.read())
    return (f"{os.cpu_count()} CPUs ({model.group(1) if model else platform.machine()}), "
            f"Linux {platform.release()}")


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/run --tunnels")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3, help="of each stream")
    parser.add_argument("--parts", default="main,rungs,segmented,zero")
    parser.add_argument("--only", help="of each part those whose names match this expression")
    parser.add_argument("--quick", action="store_true", help="one run, and fewer numbers")
    parser.add_argument("--streams", action="store_true",
                        help="one TCP stream each way, and none of the other numbers")
    parser.add_argument("--wireguard-deb", help="another wireguard-go to measure beside")
    parser.add_argument("--json", help="write the numbers to this file as well")
    options = parser.parse_args()
    if options.quick:
        options.runs = 1
    os.nice(-20)  # other work of the machine waits
    with tempfile.TemporaryDirectory() as folder:
        wireguard = {PACKAGED: "wireguard-go"}
        if options.wireguard_deb:
            wireguard[OFFLOADED] = pairs.unpacked_wireguard(options.wireguard_deb, folder)
        print(f"Medians of {options.runs} runs of {options.seconds} s on {machine()}. Both ends, "
              f"sender and receiver share these CPUs.\nInner MTU {pairs.MTU}, TCP cubic. CPU is "
              "the whole machine's, softirqs included; RSS, switches and own CPU are of one end.")
        tables = {}
        for part in options.parts.split(","):
            tables[part] = run_part(part, options, wireguard)
            against = [(LIMIT, "null")]
            if OFFLOADED in tables[part]:
                against.append((OFFLOADED, "wg-go"))
            elif PACKAGED in tables[part]:
                against.append((PACKAGED, "wg-go"))
            elif part == "rungs":
                against.append((BASE, "top rung"))
            print_table(TITLES[part], tables[part], against)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"machine": machine(), "tables": tables}, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
