"""A whole stack for tests and benches, in a temporary folder and on free ports."""

import atexit
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tally.local.running import running_stack
from tally.local.stack import Stack
from tests.scratch import make_folder, temporary_folder
from tests.snapshots import fill

PORTS_NEEDED = 4
STATE = ("postgres", "secrets.json")  # the parts of a home that migrating creates


@contextmanager
def temporary_home(on_disk: bool = False) -> Iterator[Path]:
    """An empty TALLY_HOME that Postgres's system user can reach, unlike pytest's folders."""
    with temporary_folder(on_disk) as folder:
        yield folder / "home"


@contextmanager
def migrated_home(on_disk: bool = False) -> Iterator[Path]:
    """A TALLY_HOME whose database has every migration, as a stack that ran before leaves it."""
    with temporary_home(on_disk) as home:
        subprocess.run(["/bin/cp", "-a", str(_unpacked_home()), str(home)], check=True)
        yield home


@cache
def _unpacked_home() -> Path:
    """The snapshot of a migrated home, for copies, which take a fifth of the time of unpacking it."""
    folder = make_folder("tally-unpacked-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    fill(folder / "home", "stack", _make_migrated)
    return folder / "home"


def _make_migrated(home: Path) -> None:
    first = home.with_name("first")  # beside it: a move to another file system would lose the owners
    try:
        with running_stack(first, free_port_block()):
            pass
        home.mkdir()
        for name in STATE:
            shutil.move(first / name, home / name)
    finally:
        shutil.rmtree(first, ignore_errors=True)


def free_port_block() -> int:
    """The first of four free neighbouring ports, below the range of outgoing connections."""
    for first in range(11_000 + os.getpid() % 1_000 * 20, 32_000, PORTS_NEEDED):
        if all(_is_free(port) for port in range(first, first + PORTS_NEEDED)):
            return first
    raise RuntimeError("No four neighbouring ports are free.")


@contextmanager
def temporary_stack(smtp_url: str | None = None, on_disk: bool = False) -> Iterator[Stack]:
    """A migrated stack whose settings are in the environment while it runs."""
    with migrated_home(on_disk) as home, running_stack(home, free_port_block(), smtp_url) as stack:
        settings = stack.settings() | {"TALLY_HOME": str(home)}
        before = {name: os.environ.get(name) for name in settings}
        os.environ.update(settings)
        try:
            yield stack
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
