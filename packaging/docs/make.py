#!/usr/bin/env python3
"""Makes the man pages and completions from what the program says of itself.

    make.py --godwit PROGRAM --out FOLDER --version VERSION --examples-dir FOLDER

PROGRAM answers --dump-cli (client/cli_dump.h). CMake calls this when the program was linked.
"""

import argparse
import json
import re
import subprocess
import textwrap
from pathlib import Path

import bash_completion
import fish_completion
import zsh_completion

HERE = Path(__file__).resolve().parent
PACKAGING = HERE.parent


def roff(text):
    """Text as roff shows it: no requests, no escapes, hyphens that can be searched for."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def marked(text):
    """The same, with `what is typed` in bold, in short lines."""
    text = "\n".join(textwrap.wrap(text, 76, break_on_hyphens=False))
    return re.sub(r"`([^`]*)`", r"\\fB\1\\fP", roff(text))


def sentence(text):
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def value_name(option):
    # CLI11 says TEXT where nobody named the value.
    return "" if option["metavar"] == "TEXT" else option["metavar"]


def operands(command):
    for option in command["options"]:
        if option["positional"]:
            yield option["name"], option["required"]


def own_options(command):
    return [o for o in command["options"]
            if not o["positional"] and not o["profile_key"] and o["long"] != ["help"]]


def usage(command):
    words = [f".B godwit {roff(command['name'])}"]
    if own_options(command) or any(o["profile_key"] for o in command["options"]):
        words.append(".RI [ options ]")
    for name, required in operands(command):
        words.append(f".I {roff(name)}" if required else f".RI [ {roff(name)} ]")
    return words


def flag(option):
    names = [f"\\fB\\-{s}\\fP" for s in option["short"]]
    names += [f"\\fB\\-\\-{roff(name)}\\fP" for name in option["long"]]
    value = f" \\fI{roff(value_name(option) or 'TEXT')}\\fP" if option["takes_value"] else ""
    return ", ".join(names) + value


def command_entry(command):
    lines = [".SS " + " ".join(roff(name) for name in [command["name"], *command["aliases"]])]
    lines += [*usage(command), ".PP", marked(sentence(command["help"]))]
    for option in command["options"]:
        if option["positional"]:
            lines += [".TP", f".I {roff(option['name'])}", marked(sentence(option["help"]))]
    for option in own_options(command):
        lines += [".TP", flag(option), marked(sentence(option["help"]))]
    if any(o["profile_key"] for o in command["options"]):
        lines += [".PP", "Each key of", ".BR godwit.conf (5)", "is an option as well; it takes the",
                  "place of what the profile says, and those of lists may be repeated."]
    for inner in command["commands"]:
        lines += command_entry({**inner, "name": f"{command['name']} {inner['name']}"})
    return lines


def synopsis(command):
    lines = []
    for inner in command["commands"]:
        lines += [*usage(inner), ".br"]
    return "\n".join(lines[:-1])


def quoted(text):
    """A value as it stands in a profile; the very long may be broken."""
    text = roff(text).replace('"', "\\(dq")
    return re.sub(r"([0-9a-f]{32})(?=[0-9a-f]{32})", r"\1\\:", text)


def key_entry(key):
    value = key["metavar"].replace("|", " | ")
    lines = [".TP", f"\\fB{roff(key['key'])}\\fP = \\fI{roff(value)}\\fP", marked(key["help"])]
    if key["required"]:
        lines.append("It has to be there.")
    elif key["default"]:
        lines += [".br", f"Default: {quoted(key['default'])}"]
    lines += [".br", f"Example: {roff(key['key'])} = {quoted(key['example'])}"]
    return lines


def code_entry(row):
    lines = [".TP", f"\\fB{row['code']}\\fP {roff(row['slug'])}", marked(sentence(row["sentence"]))]
    if row["code"] != 0:
        lines.append(marked(sentence(row["remedy"])))
    if not row["retry"]:
        lines.append("Not repeated.")
    return lines


def example():
    text = (PACKAGING / "examples/office.toml").read_text(encoding="utf-8").rstrip("\n")
    return f".nf\n.RS\n{quoted(text)}\n.RE\n.fi"


def flat(lists):
    return "\n".join(line for lines in lists for line in lines)


def newest_date():
    """The date of the newest release; the page of a version under way names that instead."""
    text = (PACKAGING / "CHANGELOG.md").read_text(encoding="utf-8")
    return re.search(r"^## \S+ \((.+)\)$", text, re.M).group(1)


def man_pages(cli, version, examples_dir):
    values = {
        "DATE": newest_date(),
        "VERSION": version,
        "EXAMPLES_DIR": roff(examples_dir),
        "SYNOPSIS": synopsis(cli["command"]),
        "COMMANDS": flat(command_entry(c) for c in cli["command"]["commands"]),
        "KEYS": flat(key_entry(k) for k in cli["keys"]),
        "CODES": flat(code_entry(row) for row in cli["exit_codes"]),
        "EXAMPLE": example(),
    }
    for template in sorted((PACKAGING / "man").glob("*.in")):
        text = template.read_text(encoding="utf-8")
        yield template.stem, re.sub(r"@([A-Z_]+)@", lambda m: values[m.group(1)], text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--godwit", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--examples-dir", required=True)
    arguments = parser.parse_args()
    cli = json.loads(subprocess.run([arguments.godwit, "--dump-cli"], capture_output=True,
                                    check=True, text=True).stdout)
    arguments.out.mkdir(parents=True, exist_ok=True)
    files = dict(man_pages(cli, arguments.version, arguments.examples_dir))
    files["godwit.bash"] = bash_completion.script(cli)
    files["_godwit"] = zsh_completion.script(cli)
    files["godwit.fish"] = fish_completion.script(cli)
    for name, text in files.items():
        (arguments.out / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
