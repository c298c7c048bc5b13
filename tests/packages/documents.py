"""Man pages in what renders them, completions in the shells that use them."""

import gzip
import os
import shutil
import subprocess
import tempfile

from checks import Skipped, require, run

PAGES = ("man1/godwit.1", "man5/godwit.conf.5", "man7/godwit-exit-codes.7")


def man_pages(bench):
    with tempfile.TemporaryDirectory() as folder:
        for page in PAGES:
            plain = os.path.join(folder, os.path.basename(page))
            with gzip.open(bench.packaged(f"usr/share/man/{page}.gz")) as packed, \
                    open(plain, "wb") as file:
                shutil.copyfileobj(packed, file)
            shown = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", plain], check=True,
                                   capture_output=True, text=True)
            require(not shown.stderr, shown.stderr)
            require("NAME" in shown.stdout, f"{page} is empty")
            said = subprocess.run(["groff", "-ww", "-man", "-Tutf8", plain], check=True,
                                  capture_output=True, text=True).stderr
            require(not said, said)
            if shutil.which("mandoc"):
                linted = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", plain],
                                        check=False, capture_output=True, text=True)
                require(linted.returncode == 0, linted.stdout)
    return f"{len(PAGES)} pages"


# What is typed -> a word that must be offered, and one that must not.
CASES = (("godwit con", "connect", "status"), ("godwit connect ho", "home", "office"),
         ("godwit connect --aut", "--auth", "--mode"),
         ("godwit connect --mode ag", "aggressive", "main"),
         ("godwit disconnect up", "uplink", "home"), ("godwit check of", "office", "uplink"))

BASH = r"""source "$1"
COMP_WORDS=($2) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
COMP_LINE=$2 COMP_POINT=${#2}
_godwit
printf '%s\n' "${COMPREPLY[@]}"
"""


def offered_by_bash(script, line, environment):
    return run("bash", "--norc", "-c", BASH, "bash", script, line, env=environment)


def offered_by_fish(script, line, environment):
    return run("fish", "--no-config", "-c", f"source {script}; complete -C '{line}'",
               env={**environment, "HOME": os.path.dirname(script), "TERM": "dumb"})


def offered_by_zsh(script, line, environment):
    """compadd is watched: what it would add with this prefix is what zsh offers."""
    text = f"""
fpath=({os.path.dirname(script)} $fpath)
autoload -Uz compinit && compinit -u -D
compadd() {{
  [[ " $* " == *" -"[OAD]" "* ]] && {{ builtin compadd "$@"; return }}
  local -a hits; builtin compadd -O hits "$@"; print -rl -- $hits >&3
  builtin compadd "$@"
}}
complete-and-go() {{ zle complete-word; exit }}
zle -N complete-and-go; zle -C complete-word complete-word _main_complete
bindkey '^I' complete-and-go
exec 3>$HITS
"""
    with tempfile.TemporaryDirectory() as home:
        with open(os.path.join(home, ".zshrc"), "w", encoding="utf-8") as file:
            file.write(text)
        hits = os.path.join(home, "hits")
        typed = (f"zmodload zsh/zpty; zpty shell 'zsh -i'; sleep 1; "
                 f"zpty -w -n shell $'{line}\\t'; for i in {{1..50}}; do sleep .1; "
                 f"[[ -s {hits} ]] && break; done; sleep .3; cat {hits}")
        return run("zsh", "-f", "-c", typed,
                   env={**environment, "ZDOTDIR": home, "HITS": hits, "TERM": "dumb"})


SHELLS = {"bash": ("usr/share/bash-completion/completions/godwit", offered_by_bash),
          "fish": ("usr/share/fish/vendor_completions.d/godwit.fish", offered_by_fish),
          "zsh": ("usr/share/zsh/vendor-completions/_godwit", offered_by_zsh)}


def completions(bench):
    tried = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("etc/home.toml", "etc/office.conf", "run/uplink.sock"):
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8"):
                pass
        environment = {**os.environ, "GODWIT_CONF_DIR": os.path.join(folder, "etc"),
                       "GODWIT_RUN_DIR": os.path.join(folder, "run")}
        for shell, (path, offered) in SHELLS.items():
            if not shutil.which(shell):
                continue
            for line, wanted, unwanted in CASES:
                got = {word.split("\t")[0] for word in
                       offered(bench.packaged(path), line, environment).split("\n")}
                require(wanted in got, f"{shell}: '{line}' does not offer {wanted}: {sorted(got)}")
                require(unwanted not in got or not unwanted,
                        f"{shell}: '{line}' offers {unwanted}: {sorted(got)}")
            tried.append(shell)
    if not tried:
        raise Skipped("there is no shell to try it in")
    return ", ".join(tried)
