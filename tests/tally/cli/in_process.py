"""`tally` run by its `main` in this process: starting another one takes most of a second."""

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from unittest.mock import patch

import pytest

from tally import __main__ as program


def run_tally(
    *arguments: str, environment: Mapping[str, str], given: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run a command with only this environment, and this text as standard input."""
    out, err = io.BytesIO(), io.BytesIO()
    with (
        patch.dict(os.environ, environment, clear=True),
        pytest.MonkeyPatch.context() as patched,
    ):
        patched.setitem(sys.modules, "__main__", program)  # help texts name it
        patched.setattr(sys, "argv", [program.__file__, *arguments])
        for name, data in {"stdin": io.BytesIO(given.encode()), "stdout": out, "stderr": err}.items():
            patched.setattr(sys, name, io.TextIOWrapper(data, encoding="utf-8", write_through=True))
        code = _run_to_its_end()
        return subprocess.CompletedProcess(arguments, code, out.getvalue().decode(), err.getvalue().decode())


def _run_to_its_end() -> int:
    """Return the exit code; a stored report is printed without one."""
    try:
        program.main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0
