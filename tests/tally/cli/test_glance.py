"""`tally today` and `tally statusline`: what they print, from which file, and what they leave alone."""

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tally.cli.glance import FILE, Glance, load_glance, write_age, write_status, write_today
from tally.cli.glance_file import store_account, store_report
from tally.core.records import CostRecord, identity
from tally.ledger.save import save_records
from tally.local.stack import Stack
from tests.every_case import every_case
from tests.program_environment import program_environment
from tests.tally.people import TRANSPORTS, acting, sign_up

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
STORED: dict[str, Any] = {
    "format": 1,
    "saved_at": "2026-11-28T11:00:00+00:00",
    "timezone": "UTC",
    "days": {"2026-11-28": ["12.30", "30"], "2026-11-01": ["200", "5"], "2026-10-31": ["9", "9"]},
    "month_end": {},
    "limit_usd": "500",
    "is_signed_in": True,
}
LATER = "9999-01-01T00:00:00+00:00"  # has no age, which would change while a test runs
SESSION = {"cost": {"total_cost_usd": 0.42}, "model": {"display_name": "Opus 4.7"}}
HEAVY = {"typer", "httpx", "pydantic", "supabase", "genai_prices", "pandas", "socket", "ssl"}


def load(folder: Path, now: datetime = NOW, **changes: Any) -> Glance | None:
    (folder / FILE).write_text(json.dumps({**STORED, **changes}))
    return load_glance(folder / FILE, now)


def forecast(predicted: str, spent: str, *days: str) -> dict[str, Any]:
    """A stored forecast with predictions from November 28 on."""
    by_day = {f"2026-11-{28 + nth}": amount for nth, amount in enumerate(days)}
    return {"predicted_usd": predicted, "spent_usd": spent, "days": by_day}


def sure(glance: Glance | None) -> Glance:
    assert glance is not None
    return glance


def start(home: Path, *arguments: str, given: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    environment = program_environment(HOME=str(home), TALLY_HOME=str(home / "state"), TZ="UTC")
    command = [sys.executable, "-m", "tally", *arguments]
    return subprocess.run(command, env=environment, input=given, capture_output=True, check=False, timeout=60)


def test_day_and_month_are_those_of_the_stored_timezone(tmp_path: Path) -> None:
    glance = sure(load(tmp_path))
    assert (glance.today_usd, glance.month_usd, glance.plan_usd) == (
        Decimal("12.30"),
        Decimal("212.30"),
        Decimal(35),
    )
    after_midnight = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    december = sure(load(tmp_path, after_midnight, timezone="Europe/Berlin"))
    assert (december.day, december.month_usd) == (date(2026, 12, 1), Decimal(0))


@pytest.mark.parametrize(
    ("month_end", "expected"),
    [
        ({}, "227.46"),  # 212.30 in 28 of 30 days
        ({"2026-11": forecast("260.5", "200", "15", "20", "25.5")}, "260.5"),  # all as predicted
        ({"2026-11": forecast("260.5", "200", "5", "30", "25.5")}, "267.8"),  # today is already dearer
        ({"2026-11": forecast("160.5", "100", "15", "20", "25.5")}, "260.5"),  # more has been saved since
        ({"2026-11": forecast("100", "100", "0", "0", "0")}, "212.30"),  # never less than what is spent
        ({"2026-10": forecast("999", "9", "15")}, "227.46"),
    ],
)
def test_likely_month_end_is_the_live_forecast_or_the_pace(
    tmp_path: Path, month_end: Mapping[str, Any], expected: str
) -> None:
    assert sure(load(tmp_path, month_end=month_end)).month_end_usd == Decimal(expected)


def test_lines_show_the_limit_only_where_there_is_one(tmp_path: Path) -> None:
    limited, free = sure(load(tmp_path)), sure(load(tmp_path, limit_usd=None))
    assert (
        write_today(limited)
        == "$12.30 today · $212 this month · about $227 by its end · 42% of $500 · as of 1 h ago"
    )
    assert write_today(free) == "$12.30 today · $212 this month · about $227 by its end · as of 1 h ago"
    shown = write_status(limited, SESSION)
    figures = "$12.30 today · $212 of $500 this month · plan worth $35.00"
    assert shown == f"Opus 4.7 $0.42 session · {figures} · as of 1 h ago"


@every_case(
    [
        (timedelta(seconds=-90), ""),  # a clock that was set back
        (timedelta(seconds=119), ""),
        (timedelta(minutes=2), "as of 2 min ago"),
        (timedelta(minutes=119), "as of 1 h ago"),
        (timedelta(hours=47, minutes=59), "as of 47 h ago"),
        (timedelta(hours=71), "as of 2 days ago"),
        (timedelta(days=1200), "as of 1,200 days ago"),
    ]
)
def test_figures_tell_their_age(age: timedelta, told: str) -> None:
    assert write_age(age) == told


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", '{"format": 2}', json.dumps({**STORED, "days": {"2026-11-28": ["x", "0"]}})],
)
def test_file_that_cannot_be_read_is_like_none(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    assert load_glance(tmp_path / FILE, NOW) is None
    assert load_glance(tmp_path / "missing.json", NOW) is None


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"garbage",
        b"[1]",
        b'{"cost": 5, "model": []}',
        b'{"cost": {"total_cost_usd": "x"}}',
        b"\xff\x00",
        b"{" * 90_000,
    ],
)
def test_status_line_is_one_line_whatever_is_written_to_it(tmp_path: Path, given: bytes) -> None:
    ended = start(tmp_path, "statusline", given=given)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout.decode().count("\n") == 1
    assert ended.stdout.strip()


def test_status_line_shows_a_session_without_an_account(tmp_path: Path) -> None:
    ended = start(tmp_path, "statusline", given=json.dumps(SESSION).encode())
    assert ended.stdout.decode() == "Opus 4.7 $0.42 session\n"


def test_today_prints_a_line_or_one_object(tmp_path: Path) -> None:
    assert start(tmp_path, "today").stdout.startswith(b"Nothing collected yet.")
    assert json.loads(start(tmp_path, "today", "--json").stdout) == {"format": 1, "saved_at": None}
    folder = tmp_path / "state" / "collect"
    folder.mkdir(parents=True)
    today = datetime.now(UTC).date().isoformat()
    (folder / FILE).write_text(json.dumps({**STORED, "days": {today: ["1.5", "0"]}, "saved_at": LATER}))
    found = json.loads(start(tmp_path, "today", "--json").stdout)
    assert (found["today_usd"], found["month_usd"], found["limit_used_percent"]) == ("1.5", "1.5", 0.3)
    assert start(tmp_path, "today").stdout.decode().strip() == found["text"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk to write to")
@pytest.mark.parametrize("arguments", [["today"], ["today", "--json"]])
def test_full_disk_is_told_in_a_sentence(tmp_path: Path, arguments: list[str]) -> None:
    environment = program_environment(HOME=str(tmp_path), TALLY_HOME=str(tmp_path / "state"), TZ="UTC")
    command = [sys.executable, "-m", "tally", *arguments]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, env=environment, stdout=full, stderr=subprocess.PIPE, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith(b"Reading or writing failed: No space left on device.")


@pytest.mark.parametrize("command", ["today", "statusline"])
def test_commands_load_nothing_that_takes_long(tmp_path: Path, command: str) -> None:
    program = (
        "import sys; from tally.__main__ import main\n"
        f"sys.argv = ['tally', {command!r}]; main()\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    environment = program_environment(HOME=str(tmp_path), TALLY_HOME=str(tmp_path), TZ="UTC")
    ended = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env=environment,
        input="",
        capture_output=True,
        text=True,
        check=True,
    )
    assert "tally.cli.glance" in ended.stderr.split()
    assert HEAVY.isdisjoint(ended.stderr.split())


def test_report_of_the_logs_is_stored_until_an_account_is_signed_in(tmp_path: Path) -> None:
    day = datetime.now(UTC).date().isoformat()
    rows = [
        {"day": day, "cost_basis": "estimated", "cost_usd": "1.25"},
        {"day": day, "cost_basis": "included", "cost_usd": "7"},
        {"day": day, "cost_basis": "estimated", "cost_usd": None},
        {"day": "2020-01-01", "cost_basis": "estimated", "cost_usd": "9"},
    ]
    report = {"timezone": "UTC", "since": None, "sources": [{"days": rows}]}
    store_report(tmp_path, report)
    glance = sure(load_glance(tmp_path / FILE, datetime.now(UTC)))
    assert (glance.today_usd, glance.plan_usd, glance.is_signed_in) == (Decimal("1.25"), Decimal(7), False)
    (tmp_path / "account.json").write_text("{}")
    store_report(tmp_path, {**report, "sources": []})
    assert sure(load_glance(tmp_path / FILE, datetime.now(UTC))).today_usd == Decimal("1.25")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_account_is_stored_with_its_limit(stack: Stack, tmp_path: Path, transport: str) -> None:
    person, now = sign_up(stack), datetime.now(UTC)
    with acting(stack, person, transport) as database:
        records = [
            CostRecord("openai", now - timedelta(seconds=number), "gpt-5.2", Decimal(usd), identity(usd))
            for number, usd in enumerate(("1.25", "2"))
        ]
        save_records(database, records)
        database.insert("budgets", {"name": "Web", "amount": "5", "model_name": "gpt-5.2"})
        database.insert("budgets", {"name": "All", "amount": "50"})
        database.insert("budgets", {"name": "Later", "amount": "60"})
        store_account(tmp_path, database)
    glance = sure(load_glance(tmp_path / FILE, now))
    assert (glance.month_usd, glance.limit_usd) == (Decimal("3.25"), Decimal(50))
    assert glance.is_signed_in
