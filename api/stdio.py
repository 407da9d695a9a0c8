"""The tools over standard input and output, for the account that is signed in on this machine."""

import argparse
import asyncio
import sys
import threading
import time
from importlib.metadata import version
from typing import Any

from api.tools import Load, make_server
from tally.accounts.cli_session import load_session, open_database
from tally.core.errors import TallyError
from tally.core.paths import collection_path
from tally.storage.database import Database

FRESH_SECONDS = 1_800.0  # an access token is valid for an hour


class SignedIn:
    """The database of the signed-in account, opened again before its token ends."""

    def __init__(self, workspace: str | None) -> None:
        self._workspace, self._lock = workspace, threading.Lock()
        self._database: Database | None = None
        self._until = 0.0

    async def ask(self, load: Load) -> dict[str, Any]:
        """Load figures in a thread."""
        return await asyncio.to_thread(self._load, load)

    def _load(self, load: Load) -> dict[str, Any]:
        with self._lock:
            if self._database is None or time.monotonic() > self._until:
                _, self._database = open_database(collection_path(), self._workspace)
                self._until = time.monotonic() + FRESH_SECONDS
            return load(self._database, None)


def main() -> None:
    """Answer until standard input ends."""
    parser = argparse.ArgumentParser(prog="tally mcp")
    parser.add_argument("--workspace")
    options = parser.parse_args()
    try:
        load_session(collection_path())
    except TallyError as problem:
        sys.exit(str(problem))
    make_server(SignedIn(options.workspace).ask, version("tally")).run("stdio")


if __name__ == "__main__":
    main()
