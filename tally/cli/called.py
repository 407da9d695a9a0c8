"""The name by which `tally` was called, for the commands that its sentences tell to run."""

import sys
from pathlib import Path

NAME = "tally"


def name_commands(text: str) -> str:
    """A text with its commands as this one was called: `.venv/bin/tally login` in a checkout."""
    if f"`{NAME} " not in text or (called := find_name(sys.argv[0])) == NAME:
        return text
    return text.replace(f"`{NAME} ", f"`{called} ")


def find_name(called: str) -> str:
    """The name of a program that was called so: its path, unless a shell finds it by its name alone."""
    from shlex import quote
    from shutil import which  # lazily: `tally today` loads little

    if Path(called).name != NAME:
        return NAME  # as a module, or from another program
    found = which(NAME)
    return NAME if found and Path(found).absolute() == Path(called).absolute() else quote(called)
