#!/usr/bin/env python3
"""Draws what `tests/bench/run --tunnels --json FILE` measured: chart.py FILE OUT.svg (gnuplot)."""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

SERIES = [("up 1", "one stream up", "#1f5fa8"), ("down 1", "one stream down", "#e0913a")]
# The wire itself would make everything else a stripe.
LEFT_OUT = {"bare veth"}


def quoted(text):
    """A string of gnuplot's in which nothing means anything."""
    return "'" + text.replace("'", "''") + "'"


def script(measured, part, out):
    rows = [(name, numbers) for name, numbers in measured["tables"][part].items()
            if name not in LEFT_OUT and all(key in numbers for key, _, _ in SERIES)]
    rows.reverse()  # gnuplot counts from the bottom
    machine = re.sub(r"(Linux \d+\.\d+)\S*", r"\1", measured["machine"])
    lines = ["$rows << END"]
    for place, (_, numbers) in enumerate(rows):
        lines.append(f"{place} " + " ".join(f"{numbers[key]:.3f}" for key, _, _ in SERIES))
    ticks = ", ".join(f"{quoted(name)} {place}" for place, (name, _) in enumerate(rows))
    lines += [
        "END",
        f"set terminal svg size 860,{130 + 46 * len(rows)} font 'sans-serif,14' background 'white'",
        f"set output {quoted(out)}",
        f"set label {quoted('TCP through two ends that share ' + machine)} "
        "at screen 0.5, screen 0.96 center noenhanced",
        "set tmargin 3",
        "set xlabel 'Gb/s'",
        "set style fill solid",
        "set key outside bottom center horizontal",
        "set grid xtics",
        "set xrange [0:*]",
        "set offsets 0, graph 0.08, 0, 0",
        f"set yrange [-0.6:{len(rows) - 0.4}]",
        f"set ytics ({ticks}) noenhanced scale 0",
    ]
    plots = []
    for number, (_, title, colour) in enumerate(SERIES):
        column = number + 2
        low, high = (0.02, 0.36) if number == 0 else (-0.36, -0.02)
        plots.append(f"$rows using (${column} / 2):($1 + {(low + high) / 2})"
                     f":(${column} / 2):({(high - low) / 2}) with boxxyerror "
                     f"title {quoted(title)} linecolor rgb '{colour}'")
        plots.append(f"$rows using {column}:($1 + {(low + high) / 2}):(gprintf(' %.2f', "
                     f"${column})) with labels left font ',11' notitle")
    lines.append("plot " + ", \\\n  ".join(plots))
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/chart.py", description=__doc__)
    parser.add_argument("numbers", help="the file that --json wrote")
    parser.add_argument("out", help="the picture to write")
    parser.add_argument("--part", default="main", help="which of the tables")
    options = parser.parse_args()
    with open(options.numbers, encoding="utf-8") as file:
        measured = json.load(file)
    if options.part not in measured["tables"]:
        parser.error(f"{options.numbers} holds no table {options.part!r}; it holds "
                     f"{', '.join(measured['tables'])}")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "chart.gp")
        with open(path, "w", encoding="utf-8") as file:
            file.write(script(measured, options.part, os.path.abspath(options.out)))
        return subprocess.run(["gnuplot", path], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
