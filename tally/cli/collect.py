"""Commands of the machine whose logs are collected: sign in, collect, sign out."""

import gc
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from tally.agents.agent import Agent
from tally.agents.log_files import LogFile, stat_logs
from tally.agents.machine import collecting_folder, machine_name
from tally.agents.payment import PAID_BY, PAYMENTS_FILE, Payment, find_payment, load_payments
from tally.agents.registry import AGENTS, find_agent
from tally.agents.report_cache import fingerprint, store_report
from tally.agents.scan import find_logs
from tally.core.errors import NotSignedIn, TallyError
from tally.core.text import plural

PROGRESS_SECONDS = 0.2
SHOWN_REASONS = 5
# Classes of tokens and other things that cost money, in as many words as a line has room for.
WORDS = {
    "uncached_input_usd": "in",
    "cached_input_usd": "cached",
    "cache_write_5m_usd": "written for 5 minutes",
    "cache_write_1h_usd": "written for 1 hour",
    "output_usd": "out",
    "web_search_usd": "web searches",
    "other_usd": "not told apart",
}


def add_commands(app: typer.Typer) -> None:
    """Make these commands of `tally`."""
    for command in (collect, login, logout):
        app.command()(command)


def collect(
    source: Annotated[
        list[str] | None, typer.Option(help="Only this agent's logs: claude-code, codex and so on.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on and collect what is added.")] = False,
    every: Annotated[float, typer.Option(help="Seconds between two looks with --watch.", min=0.1)] = 15,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what all logs hold; needs no account and sends nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only from this day on.")
    ] = None,
    paid_by: Annotated[
        list[str] | None,
        typer.Option(help="Who pays for an agent: claude-code=plan or claude-code=api; remembered."),
    ] = None,
    machine: Annotated[str | None, typer.Option(help="The name of this machine among your sources.")] = None,
    timezone: Annotated[str | None, typer.Option(help="Whose days: Europe/Berlin; yours by default.")] = None,
) -> None:
    """Collect the logs of the coding agents on this machine into your account; twice adds nothing.

    Example: tally collect --watch
    """
    agents = [find_agent(name) for name in source] if source else list(AGENTS)
    folder = collecting_folder()
    said = _remember_payments(folder, paid_by or [])
    first_day = since.date() if since else None
    zone = _check_timezone(timezone or _local_timezone())
    if dry_run:
        _show_report(agents, said, first_day, zone, as_json)
        return
    errand = _Errand(agents, folder, said, first_day, zone, machine or machine_name(), as_json)
    if watch:
        _follow(errand, every)
    else:
        _collect(errand)


def login(
    email: Annotated[str | None, typer.Option(help="The account's email.")] = None,
    address: Annotated[str | None, typer.Option(help="Where Tally's Supabase project is.")] = None,
    key: Annotated[str | None, typer.Option(help="The project's publishable key.")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Sign in on this machine, to collect its logs into your account.

    Example: tally login --email ada@example.com
    """
    from tally.accounts.cli_session import find_local_project, sign_in  # takes half a second to load

    known_address, known_key = find_local_project()
    address = address or known_address or typer.prompt("Address of the Supabase project")
    key = key or (known_key if address == known_address else None) or typer.prompt("Publishable key")
    email = email or typer.prompt("Email")
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = typer.prompt("Password", hide_input=True)
    account = sign_in(collecting_folder(), str(address), str(key), str(email), password)
    typer.echo(f"Signed in as {account.email}. `tally collect` sends the logs of this machine.")


def logout() -> None:
    """Sign out on this machine; what was collected stays.

    Example: tally logout
    """
    from tally.accounts.cli_session import sign_out  # takes half a second to load

    typer.echo("Signed out." if sign_out(collecting_folder()) else "Nobody was signed in.")


@dataclass(frozen=True, slots=True)
class _Errand:
    """What was asked for."""

    agents: list[Agent]
    folder: Path
    said: Mapping[str, Payment]
    since: date | None
    timezone: str
    machine: str
    as_json: bool


def _follow(errand: _Errand, every: float) -> None:
    """Collect whenever a log has changed; while the database is away, try again."""
    seen: list[list[LogFile]] = []
    while True:
        now = [stat_logs(agent.find_files(Path.home(), os.environ)) for agent in errand.agents]
        if now != seen:
            try:
                _collect(errand, is_quiet=bool(seen))
                seen = now
            except NotSignedIn:
                raise
            except TallyError as problem:
                typer.echo(str(problem), err=True)
        time.sleep(every)


def _collect(errand: _Errand, is_quiet: bool = False) -> None:
    from tally.accounts.cli_session import open_database  # takes half a second to load
    from tally.agents.machine import Machine
    from tally.agents.upload import Selection, collect_into

    _, database = open_database(errand.folder)
    with _Meter() as meter:
        here = Machine(Path.home(), os.environ, errand.machine, errand.folder, errand.said)
        results = collect_into(
            database, here, Selection(errand.agents, errand.since, errand.timezone), meter.show
        )
    if errand.as_json:
        typer.echo(json.dumps({"sources": [result.to_json() for result in results]}, indent=2))
        return
    for result in results:
        if result.read or not is_quiet:
            typer.echo(
                f"{result.title}: read {result.read:,} = {result.added:,} added"
                f" + {result.duplicates:,} already there + {result.rejected:,} rejected"
            )
            _show_reasons(result.reasons)
    if not results:
        typer.echo("There are no logs of coding agents on this machine.")


def _show_report(
    agents: list[Agent],
    said: Mapping[str, Payment],
    since: date | None,
    timezone: str,
    as_json: bool,
) -> None:
    from tally.agents.report import ReportRequest, make_report

    gc.disable()  # nothing here goes in circles, and looking for that takes a tenth of the time
    home, environment = Path.home(), os.environ
    payments = {
        agent.name: said.get(agent.name) or find_payment(agent.name, home, environment) for agent in agents
    }
    logs = find_logs(home, environment)
    key = fingerprint(sys.argv[2:], logs) if as_json else ""  # of the inputs as they are before the scan
    with _Meter() as meter:
        report = make_report(ReportRequest(agents, logs, timezone, since, payments), meter.show)
    if as_json:
        answer = json.dumps(report, indent=2) + "\n"
        sys.stdout.write(answer)
        store_report(key, answer)
        return
    for source in report["sources"]:
        requests, files = plural(source["requests"], "request"), plural(source["files"], "file")
        typer.echo(f"{source['title']}: {requests} in {files}")
        for row in source["days"]:
            typer.echo(_report_line(row))
        if priced := [row for row in source["days"] if row["cost_usd"] is not None]:
            typer.echo(_cost_line(priced))
        _show_reasons(source["reasons"])
    if not report["sources"]:
        typer.echo("There are no logs of coding agents on this machine.")


def _report_line(row: Mapping[str, Any]) -> str:
    cost = "no price" if row["cost_usd"] is None else f"${float(row['cost_usd']):,.2f}"
    written = row["cache_write_5m_tokens"] + row["cache_write_1h_tokens"]
    return (
        f"  {row['day']}  {row['model']:30.30}  {row['uncached_input_tokens']:>12,} in"
        f"  {row['cached_input_tokens']:>14,} cached  {written:>12,} written"
        f"  {row['output_tokens']:>11,} out  {cost:>12}" + ("  (plan)" if row["paid_by"] == "plan" else "")
    )


def _cost_line(rows: Sequence[Mapping[str, Any]]) -> str:
    """What all days cost, and each class of it that costs anything."""
    names = ("cost_usd", *WORDS)
    total_usd, *by_class = (sum((Decimal(row[name]) for row in rows), Decimal(0)) for name in names)
    classes = [f"${usd:,.2f} {word}" for usd, word in zip(by_class, WORDS.values(), strict=True) if usd]
    return f"  ${total_usd:,.2f} in all" + (f": {', '.join(classes)}" if classes else "")


def _show_reasons(reasons: Iterable[str]) -> None:
    different = list(dict.fromkeys(reasons))
    for reason in different[:SHOWN_REASONS]:
        typer.echo(f"  rejected: {reason}", err=True)
    if len(different) > SHOWN_REASONS:
        typer.echo(f"  … and {len(different) - SHOWN_REASONS:,} other reasons", err=True)


class _Meter:
    """How far reading is, on a terminal only."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()
        self._next = 0.0

    def show(self, done: int, total: int, title: str) -> None:
        """A few times a second."""
        if self._is_shown and time.monotonic() >= self._next:
            self._next = time.monotonic() + PROGRESS_SECONDS
            share = 100 * done // total if total else 100
            sys.stderr.write(f"\r\x1b[K{title}: {share} % of {total / 1e6:,.0f} MB")
            sys.stderr.flush()

    def __enter__(self) -> "_Meter":
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_shown and self._next:
            sys.stderr.write("\r\x1b[K")


def _remember_payments(folder: Path, said: list[str]) -> dict[str, Payment]:
    """What the person said of each agent, now or before."""
    payments = load_payments(folder)
    for one in said:
        agent_name, _, payer = one.partition("=")
        if payer not in PAID_BY:
            raise TallyError(f"{one!r} is not understood. Write it as claude-code=plan or claude-code=api.")
        payments[find_agent(agent_name).name] = Payment("plan" if payer == "plan" else "api")
    if said:
        from tally.core.private_files import write_private

        kept = {name: payment.paid_by for name, payment in payments.items()}
        write_private(folder / PAYMENTS_FILE, json.dumps(kept) + "\n")
    return payments


def _local_timezone() -> str:
    """This machine's zone: TZ, else what /etc/localtime points to, else UTC."""
    named = os.environ.get("TZ", "").lstrip(":")
    if not named:
        named = str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]
    return named if named and _is_zone(named) else "UTC"


def _check_timezone(name: str) -> str:
    if not _is_zone(name):
        raise TallyError(f"There is no timezone {name!r}. Name one such as Europe/Berlin.")
    return name


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
