"""The completion of fish."""

import words

HEAD = r"""# Completion of godwit for fish. Made by packaging/docs/make.py.

function __godwit_stems
    for file in $argv
        test -e $file; and path change-extension '' (path basename $file)
    end
end

function __godwit_profiles
    set -l folder /etc/godwit
    set -q GODWIT_CONF_DIR; and set folder $GODWIT_CONF_DIR
    set -l files $folder/*.toml $folder/*.conf
    __godwit_stems $files
end

function __godwit_tunnels
    set -l folder /run/godwit
    set -q GODWIT_RUN_DIR; and set folder $GODWIT_RUN_DIR
    set -l files $folder/*.sock $folder/*.journal
    __godwit_stems $files
end

complete -c godwit -f
complete -c godwit -n __fish_use_subcommand -l help -d 'Show the help'
complete -c godwit -n __fish_use_subcommand -l version -d 'Show the version'
"""


def quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def option_line(names, option, cli):
    parts = [f"complete -c godwit -n '__fish_seen_subcommand_from {names}'"]
    parts += [f"-s {s}" for s in option["short"]] + [f"-l {name}" for name in option["long"]]
    if option["takes_value"]:
        known = words.choices(option, cli)
        parts.append("-x" if known or not words.is_path(option, cli) else "-r -F")
        if known:
            parts.append("-a " + quoted(" ".join(known)))
    parts.append("-d " + quoted(option["help"].replace("`", "")))
    return " ".join(parts)


def operand_lines(names, command):
    kind = words.operand_kind(command)
    where = f"complete -c godwit -n '__fish_seen_subcommand_from {names}'"
    if kind == "profile":
        yield f"{where} -F -a '(__godwit_profiles)'"
    elif kind == "tunnel":
        yield f"{where} -a '(__godwit_tunnels)'"
    elif kind == "file":
        yield f"{where} -F"
    elif command["commands"]:
        yield f"{where} -a {quoted(' '.join(c['name'] for c in command['commands']))}"


def script(cli):
    lines = []
    for name, command in words.commands(cli):
        lines.append("complete -c godwit -n __fish_use_subcommand "
                     f"-a {name} -d {quoted(command['help'])}")
    for command in cli["command"]["commands"]:
        names = " ".join([command["name"], *command["aliases"]])
        lines += operand_lines(names, command)
        for option in command["options"]:
            if not option["positional"]:
                lines.append(option_line(names, option, cli))
    return HEAD + "\n".join(lines) + "\n"
