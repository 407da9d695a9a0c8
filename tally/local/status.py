"""Health, address and version of every part of Tally. Contains no secrets."""

import http.client
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlsplit

import psycopg

from tally.core.environment import load_environment
from tally.core.paths import tally_home
from tally.core.schedule import next_due
from tally.core.text import plural
from tally.local import dashboard
from tally.local.engine import hide_password, query_engine
from tally.local.home import Home
from tally.local.lock import Holder, find_holder
from tally.local.ports import Ports

TIMEOUT_SECONDS = 5

LAST_RUN = """
select day, status, started_at, finished_at, metadata ->> 'problems'
from public.job_runs
where workspace_id is null
order by started_at desc
limit 1"""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of Tally: its address, whether it answers, and its version."""

    address: str
    healthy: bool
    version: str | None = None
    note: str | None = None  # why it does not answer, or how far it is behind


@dataclass(frozen=True, slots=True)
class Status:
    """Status of this machine's Tally; the field names are the keys of `tally status --json`."""

    running: bool
    home: str
    tally: str
    streamlit: str
    parts: dict[str, Part]
    last_nightly: dict[str, str | None] | None
    next_nightly: str | None  # None: nothing runs that would start it

    @property
    def healthy(self) -> bool:
        return all(part.healthy for part in self.parts.values())


def load_status() -> Status:
    """Query every part."""
    home = Home(tally_home())
    holder = find_holder(home)
    ports = _find_ports(holder)
    settings = _load_settings()
    database, last_run = _query_database(settings.get("database_url"))
    return Status(
        running=holder is not None,
        home=str(home.path),
        tally=_version_of("tally"),
        streamlit=_version_of("streamlit"),
        parts={
            "dashboard": _query_dashboard(ports, is_own=holder is not None),
            "auth": _query_api(settings, "/auth/v1/health"),
            "data API": _query_api(settings, "/rest/v1/"),
            "database": database,
            **_query_engine(settings),
        },
        last_nightly=last_run,
        next_nightly=next_due(datetime.now().astimezone()).isoformat() if holder else None,
    )


def as_json(status: Status) -> dict[str, Any]:
    """The status as plain values."""
    return asdict(status) | {"healthy": status.healthy}


def as_text(status: Status) -> str:
    """The status as lines to read, with times on this machine's clock."""
    lines = [f"Tally {status.tally}, Streamlit {status.streamlit}, data in {status.home}"]
    for name, part in status.parts.items():
        state = "ok" if part.healthy else "does not answer"
        told = " ".join(each for each in (part.version, part.note) if each)
        lines.append(f"{name:<10} {state:<16} {part.address} {told}".rstrip())
    last_run = _last_run_text(status.last_nightly) if status.parts["database"].healthy else "unknown"
    lines.append(f"last nightly run: {last_run}")
    next_run = _local_time(status.next_nightly) if status.next_nightly else "none while Tally is not running"
    lines.append(f"next nightly run: {next_run}")
    return "\n".join(lines)


def _last_run_text(run: dict[str, str | None] | None) -> str:
    if run is None:
        return "none yet"
    time = run["finished_at"] or run["started_at"]
    outcome = run["status"]
    if outcome == "partial":
        outcome = f"done with problems of {plural(int(run['problems'] or 1), 'account')}"
    return f"{_local_time(time) if time else run['day']} ({outcome})"


def _local_time(iso_time: str) -> str:
    moment = datetime.fromisoformat(iso_time).astimezone()
    return f"{moment.day} {moment:%b %Y, %H:%M}"


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _find_ports(holder: Holder | None) -> Ports:
    if holder and holder.port:
        return Ports(holder.port)
    from tally.local.settings import load_local_settings  # lazily: loads pydantic

    return Ports(load_local_settings().tally_port)


def _load_settings() -> dict[str, str]:
    """Settings by lower-case name; empty if there is no project to connect to."""
    found = load_environment()
    return found if {"supabase_url", "supabase_publishable_key"} <= found.keys() else {}


def _query_dashboard(ports: Ports, is_own: bool) -> Part:
    """The dashboard; what answers at its port while this folder's Tally is stopped is another one's."""
    address, port = f"http://127.0.0.1:{ports.dashboard}", ports.dashboard
    is_there = dashboard.answers(port)
    if is_own or not is_there:
        return Part(address, is_there)
    owner = dashboard.find_home(port)
    if owner is None:
        return Part(address, False, note="is another program's or another user's")
    return Part(address, False, note=f"is the Tally of {owner}; for its status, set TALLY_HOME={owner}")


def _query_api(settings: dict[str, str], path: str) -> Part:
    if not settings:
        return Part("not started", False)
    address = settings["supabase_url"].rstrip("/") + path
    parts = urlsplit(address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", parts.path, headers={"apikey": settings["supabase_publishable_key"]})
        answer = connection.getresponse()
        server = re.search(r"postgrest/(\S+)", answer.headers.get("server") or "")
        return Part(
            address, answer.status not in (401, 403) and answer.status < 500, server and server.group(1)
        )
    except (OSError, http.client.HTTPException):
        return Part(address, False)
    finally:
        connection.close()


def _query_engine(settings: dict[str, str]) -> dict[str, Part]:
    """The analytics engine, where there is one."""
    address = settings.get("tally_clickhouse_url")
    if found := query_engine(address, settings.get("database_url")):
        return {"analytics": Part(hide_password(address) if address else "not set", found[0], note=found[1])}
    return {}


def _query_database(url: str | None) -> tuple[Part, dict[str, str | None] | None]:
    if url is None:
        return Part("not started", False), None
    address = _without_secrets(url)
    try:
        with psycopg.connect(url, connect_timeout=TIMEOUT_SECONDS) as connection:
            shown = connection.execute("show server_version").fetchone()
            last_run = _load_last_run(connection)
    except psycopg.Error:
        return Part(address, False), None
    return Part(address, True, shown[0] if shown else None), last_run


def _load_last_run(connection: psycopg.Connection) -> dict[str, str | None] | None:
    try:
        row = connection.execute(LAST_RUN).fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    if row is None:
        return None
    names = ("day", "status", "started_at", "finished_at", "problems")
    return {name: None if value is None else str(value) for name, value in zip(names, row, strict=True)}


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.username}@{parts.hostname}:{parts.port}{parts.path}"
