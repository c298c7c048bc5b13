"""The completion of zsh."""

import words

HEAD = r"""#compdef godwit
# Completion of godwit for zsh. Made by packaging/docs/make.py.

_godwit_profiles() {
  local -a names
  names=(${GODWIT_CONF_DIR:-/etc/godwit}/*.(toml|conf)(N:t:r))
  _alternative 'profiles:profile:compadd -a names' 'files:file:_files'
}

_godwit_tunnels() {
  local -a names
  names=(${GODWIT_RUN_DIR:-/run/godwit}/*.(sock|journal)(N:t:r))
  _wanted tunnels expl tunnel compadd -a names
}

"""

ACTIONS = {"profile": "_godwit_profiles", "tunnel": "_godwit_tunnels", "file": "_files",
           "other": " "}


def escaped(text):
    """Inside an _arguments specification, inside single quotation marks."""
    for char in "\\[]:":
        text = text.replace(char, "\\" + char)
    return text.replace("'", "'\\''").replace("`", "")


def specification(option, cli):
    names = words.flags(option)
    value = ""
    if option["takes_value"]:
        known = words.choices(option, cli)
        action = f"({' '.join(known)})" if known else ""
        if not known and words.is_path(option, cli):
            action = "_files"
        metavar = option["metavar"].split("|")[0] or "value"
        value = f":{escaped(metavar)}:{action}"
    repeated = "*" if option["profile_key"] else ""
    for name in names:
        yield f"'{repeated}{name}[{escaped(option['help'])}]{value}'"


def command_arm(command, cli):
    lines = [f"    {'|'.join([command['name'], *command['aliases']])})", "      _arguments \\"]
    specs = [s for o in command["options"] if not o["positional"] for s in specification(o, cli)]
    kind = words.operand_kind(command)
    if kind:
        name = next(o["name"] for o in command["options"] if o["positional"])
        specs.append(f"'1:{escaped(name)}:{ACTIONS[kind]}'")
    elif command["commands"]:
        inner = " ".join(c["name"] for c in command["commands"])
        specs.append(f"'1:command:({inner})'")
    lines.append(" \\\n".join("        " + s for s in specs) + " ;;")
    return lines


def script(cli):
    lines = ["_godwit() {", "  local curcontext=$curcontext state line", "  local -a commands",
             "  commands=("]
    for name, command in words.commands(cli):
        lines.append(f"    '{name}:{escaped(command['help'])}'")
    lines += ["  )",
              "  _arguments -C '--help[Show the help]' '--version[Show the version]' \\",
              "    '1: :->command' '*:: :->rest'",
              "  if [[ $state == command ]]; then",
              "    _describe command commands",
              "    return",
              "  fi",
              "  case $line[1] in"]
    for command in cli["command"]["commands"]:
        lines += command_arm(command, cli)
    lines += ["  esac", "}", "", '_godwit "$@"', ""]
    return HEAD + "\n".join(lines)
