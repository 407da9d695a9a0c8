"""TALLY_HOME: the folder of all state that Tally has on this machine, closed to other users."""

import os
from dataclasses import dataclass
from pathlib import Path

from tally.core.errors import TallyError
from tally.core.paths import tally_home

POSTGRES_MAJOR = "17"  # of the embedded server; supabase/local/settings.mjs has it too
UNFINISHED = ".unfinished-"  # a database is created under such a name, which postgres.mjs gives


@dataclass(frozen=True, slots=True)
class Home:
    """Paths of the files and folders in TALLY_HOME."""

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

    def files_of_data(self, name: str) -> list[Path]:
        """Files of this name in data folders, but not in those whose creation was killed."""
        found = sorted(self.data.glob(f"*/{name}"))
        return [file for file in found if UNFINISHED not in file.parent.name]

    @property
    def sessions_db(self) -> Path:
        return self.path / "sessions.db"

    @property
    def backups(self) -> Path:
        return self.path / "backups"

    @property
    def restore_marker(self) -> Path:
        return self.path / "restore.json"

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
    """Create the folder and its subfolders; raise TallyError if it cannot be used."""
    home = Home((path or tally_home()).resolve())
    try:
        for folder in (home.path, home.logs, home.run, home.outbox, home.cli):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
        # For root, Postgres runs as another user, who must be able to traverse this folder (but not list it)
        # to reach the data. Everything else in here is 0700 or 0600, so other users gain nothing more.
        if os.geteuid() == 0:
            home.path.chmod(0o711)
    except OSError as error:
        raise TallyError(
            f"Tally cannot use the folder {home.path} ({error.strerror}). "
            "Set TALLY_HOME to a folder that you own."
        ) from None
    return home
