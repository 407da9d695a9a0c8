"""TALLY_HOME: the folder that holds all state of Tally on this machine, closed to everyone else."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from tally.core.errors import TallyError
from tally.core.paths import tally_home

LARGEST_LOG_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class Home:
    """Where each thing lies in TALLY_HOME."""

    path: Path

    @property
    def secrets_file(self) -> Path:
        return self.path / "secrets.json"

    @property
    def stack_env(self) -> Path:
        return self.path / "stack.env"

    @property
    def vault_env(self) -> Path:
        return self.path / "vault.env"

    @property
    def lock_file(self) -> Path:
        return self.path / "up.lock"

    @property
    def data(self) -> Path:
        return self.path / "postgres"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def cli(self) -> Path:
        return self.path / "cli"

    @property
    def outbox(self) -> Path:
        return self.path / "outbox"


def open_home(path: Path | None = None) -> Home:
    """Make the folder and those in it, or say why it cannot be used."""
    home = Home((path or tally_home()).resolve())
    try:
        for folder in (home.path, home.logs, home.run, home.outbox, home.cli):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
        # Root cannot run Postgres: another account does, and must pass through this folder (but not look into
        # it) to reach its own. All else in here is 0700 or 0600, so passing through is all that anyone gains.
        if os.geteuid() == 0:
            home.path.chmod(0o711)
    except OSError as error:
        raise TallyError(
            f"Tally cannot use the folder {home.path} ({error.strerror}). "
            "Set TALLY_HOME to a folder of your own."
        ) from None
    return home


def open_log(home: Home, name: str) -> TextIO:
    """The log of one part, to append to."""
    make_room(home, name)
    path = home.logs / f"{name}.log"
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8")


def make_room(home: Home, name: str) -> None:
    """Set a large log aside; the one set aside before is dropped."""
    path = home.logs / f"{name}.log"
    if path.exists() and path.stat().st_size > LARGEST_LOG_BYTES:
        path.replace(path.with_suffix(".old.log"))
