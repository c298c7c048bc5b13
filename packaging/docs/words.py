"""What the three completions share: which values an option or an operand can have."""


def flags(option):
    return [f"-{s}" for s in option["short"]] + [f"--{name}" for name in option["long"]]


def commands(cli):
    """Each command that can stand behind `godwit`, its aliases as commands of their own."""
    for command in cli["command"]["commands"]:
        for name in [command["name"], *command["aliases"]]:
            yield name, command


def choices(option, cli):
    """The words that an option of a profile's key takes; empty when anything goes."""
    if option["profile_key"]:
        for key in cli["keys"]:
            if [key["key"]] == option["long"]:
                return key["words"]
    return []


def is_path(option, cli):
    if option["profile_key"]:
        return any(key["path"] for key in cli["keys"] if [key["key"]] == option["long"])
    return option["metavar"] in ("DIR", "FILE", "PATH", "PROGRAM")


# Operands of commands that speak of tunnels, not of profiles.
OF_TUNNELS = ("disconnect", "clean", "routes", "portal")


def operand_kind(command):
    """What the first operand is: "profile" (or a file), "tunnel", "file" or "" (none)."""
    for option in command["options"]:
        if option["positional"]:
            if command["name"] in OF_TUNNELS:
                return "tunnel"
            if option["name"] == "PROFILE" or "profile" in option["help"].lower():
                return "profile"
            return "file" if option["name"] in ("FILE", "DIR") else "other"
    return ""
