"""Standard output and standard error, wherever they lead."""

import os
import sys
from pathlib import Path
from typing import TextIO


def prepare_streams() -> None:
    """Let any text be printed: a closed stream becomes the null device, unencodable characters become `?`."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the shell, with `>&-`
            setattr(sys, name, _open_null_device())
        else:
            stream.reconfigure(errors="replace")


def abandon_output() -> None:
    """Give up on standard output, where a write has failed: the interpreter would try again at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        sys.stdout = _open_null_device()


def _open_null_device() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")
