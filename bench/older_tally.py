"""A running Tally of an older checkout, on a data folder of its own."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.embedded import free_port_block, temporary_home

OWN_SETTINGS = ("SUPABASE_", "DATABASE_", "TALLY_")
STOP_SECONDS = 60


@contextmanager
def older_tally(checkout: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Run `tally up` of the checkout; yields the dashboard's address and the settings of its stack."""
    with temporary_home(on_disk=True) as home:
        port = free_port_block()
        process = subprocess.Popen(
            [python_of(checkout), "-m", "tally", "up"],
            cwd=checkout,
            env=_clean_environment() | {"TALLY_HOME": str(home), "TALLY_PORT": str(port)},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            if not any("Tally is ready" in line for line in process.stdout):
                raise RuntimeError(f"`tally up` of {checkout} ended before it was ready.")
            yield f"http://127.0.0.1:{port}", _read_settings(home / "stack.env")
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(STOP_SECONDS)


def python_of(checkout: Path) -> str:
    """The interpreter with the checkout's packages."""
    return str(checkout / ".venv" / "bin" / "python")


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(OWN_SETTINGS)}


def _read_settings(path: Path) -> dict[str, str]:
    lines = path.read_text().splitlines()
    return {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}
