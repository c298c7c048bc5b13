"""The completion of bash, which needs nothing but bash."""

import words

HEAD = r"""# Completion of godwit for bash. Made by packaging/docs/make.py.

_godwit_stems() { # FOLDER ENDING...
  local folder=$1 ending file
  shift
  for ending; do
    for file in "$folder"/*"$ending"; do
      [[ -e $file ]] || continue
      file=${file##*/}
      printf '%s\n' "${file%"$ending"}"
    done
  done
}

_godwit_names() { # profile | tunnel
  if [[ $1 == tunnel ]]; then
    _godwit_stems "${GODWIT_RUN_DIR:-/run/godwit}" .sock .journal
  else
    _godwit_stems "${GODWIT_CONF_DIR:-/etc/godwit}" .toml .conf
  fi
}

_godwit_reply() { # WORDS
  local IFS=$'\n'
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

_godwit_files() {
  local IFS=$'\n'
  compopt -o filenames 2>/dev/null
  mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur")
}

"""

TAIL = r"""
complete -F _godwit godwit
"""


def quote(values):
    return "$'" + "\\n".join(values) + "'"


def value_cases(command, cli):
    """One arm for each option whose value is known; the others complete nothing."""
    free = []
    for option in command["options"]:
        if option["positional"] or not option["takes_value"]:
            continue
        pattern = "|".join(words.flags(option))
        known = words.choices(option, cli)
        if known:
            yield f"    {command['name']},{pattern.replace('|', '|' + command['name'] + ',')})" \
                  f" _godwit_reply {quote(known)}; return ;;"
        elif words.is_path(option, cli):
            yield f"    {command['name']},{pattern.replace('|', '|' + command['name'] + ',')})" \
                  " _godwit_files; return ;;"
        else:
            free += [f"{command['name']},{flag}" for flag in words.flags(option)]
    if free:
        yield f"    {'|'.join(free)}) return ;;"


def command_arm(command):
    names = "|".join([command["name"], *command["aliases"]])
    inner = [c["name"] for c in command["commands"]]
    flags = [f for o in command["options"] if not o["positional"] for f in words.flags(o)]
    kind = words.operand_kind(command)
    lines = [f"    {names})", "      if [[ $cur == -* ]]; then",
             f"        _godwit_reply {quote(flags)}"]
    if kind in ("profile", "tunnel"):
        lines += ["      elif [[ $cur != */* ]]; then",
                  f'        _godwit_reply "$(_godwit_names {kind})"']
        if kind == "profile":
            lines += ["        [[ ${#COMPREPLY[@]} -ne 0 ]] || _godwit_files"]
        lines += ["      else", "        _godwit_files"]
    elif kind == "file":
        lines += ["      else", "        _godwit_files"]
    elif inner:
        lines += ["      else", f"        _godwit_reply {quote(inner)}"]
    return [*lines, "      fi ;;"]


def script(cli):
    names = [name for name, _ in words.commands(cli)]
    lines = ["_godwit() {",
             "  local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}",
             "  local command=${COMP_WORDS[1]}",
             "  COMPREPLY=()",
             "  if [[ $COMP_CWORD -eq 1 ]]; then",
             f"    _godwit_reply {quote(names + ['--help', '--version'])}",
             "    return",
             "  fi",
             "  case $command in"]
    for command in cli["command"]["commands"]:
        for alias in command["aliases"]:
            lines.append(f"    {alias}) command={command['name']} ;;")
    lines += ["  esac", "  case $command,$before in"]
    for command in cli["command"]["commands"]:
        lines += value_cases(command, cli)
    lines += ["  esac", "  case $command in"]
    for command in cli["command"]["commands"]:
        lines += command_arm(command)
    lines += ["  esac", "}"]
    return HEAD + "\n".join(lines) + TAIL
