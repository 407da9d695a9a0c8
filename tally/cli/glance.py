"""`tally today` and `tally statusline`: spend at a glance, from a small file that `tally collect` writes.

They start in a tenth of a second: nothing but the standard library is imported, and nothing is asked over a
network. Where no account is signed in, the file says what the logs of this machine hold.
"""

import json
import os
import select
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple

from tally.cli.called import name_commands
from tally.core.live_total import SpentSoFar, StoredTotal, calculate_live_total
from tally.core.months import last_day_of_month
from tally.core.paths import collection_path

FORMAT = 1
FILE = "today.json"
NOTHING_YET = (
    "Nothing collected yet. Run `tally collect`, or `tally collect --dry-run --json` without an account."
)
NEW_MINUTES = 2  # figures are those of now
INPUT_SECONDS = 0.04  # the longest wait for what Claude Code writes
INPUT_BYTES = 1_000_000


class Glance(NamedTuple):
    """Figures of the month in US dollars; None where they are unknown."""

    day: date
    today_usd: Decimal
    month_usd: Decimal
    month_end_usd: Decimal
    limit_usd: Decimal | None
    plan_usd: Decimal
    saved_at: str
    is_signed_in: bool
    age: timedelta = timedelta(0)

    @property
    def limit_share(self) -> Decimal | None:
        """The part of the limit that is used."""
        return None if self.limit_usd is None else self.month_usd / self.limit_usd


def print_today(as_json: bool = False) -> None:
    """Print the figures of today and of the month; raises OSError."""
    glance = load_glance(collection_path() / FILE, datetime.now(UTC))
    if glance is None:
        nothing = json.dumps({"format": FORMAT, "saved_at": None}) if as_json else name_commands(NOTHING_YET)
        print(nothing, flush=True)
    else:
        print(json.dumps(describe(glance)) if as_json else write_today(glance), flush=True)


def print_status() -> None:
    """Print one line, also after any error, which would empty Claude Code's status line."""
    line = "Tally"
    with suppress(Exception):
        session = _read_session()
        line = write_status(load_glance(collection_path() / FILE, datetime.now(UTC)), session)
    with suppress(Exception):
        print(line, flush=True)


def load_glance(path: Path, now: datetime) -> Glance | None:
    """The stored figures as of now; None where there are none that can be read."""
    try:
        stored = json.loads(path.read_bytes())
        if stored["format"] != FORMAT:
            return None
        age = now - datetime.fromisoformat(stored["saved_at"])
        return _sum_up(stored, _local_day(now, stored["timezone"]))._replace(age=age)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, InvalidOperation, RecursionError):
        return None


def _sum_up(stored: Mapping[str, Any], today: date) -> Glance:
    month = f"{today:%Y-%m}"
    days = {day: (Decimal(usd), Decimal(plan)) for day, (usd, plan) in stored["days"].items()}
    of_month = [
        amounts for day, amounts in days.items() if day.startswith(month) and day <= today.isoformat()
    ]
    month_usd = sum((usd for usd, _ in of_month), Decimal(0))
    today_usd = days.get(today.isoformat(), (Decimal(0),))[0]
    forecast = stored["month_end"].get(month)
    limit = stored["limit_usd"]
    return Glance(
        day=today,
        today_usd=today_usd,
        month_usd=month_usd,
        month_end_usd=(
            _bring_up_to_date(forecast, SpentSoFar(month_usd - today_usd, today_usd), today)
            if forecast
            else _keep_pace(month_usd, today)
        ),
        limit_usd=Decimal(limit) if limit and Decimal(limit) > 0 else None,
        plan_usd=sum((plan for _, plan in of_month), Decimal(0)),
        saved_at=str(stored["saved_at"]),
        is_signed_in=bool(stored["is_signed_in"]),
    )


def _bring_up_to_date(forecast: Mapping[str, Any], spent: SpentSoFar, today: date) -> Decimal:
    days = {date.fromisoformat(day): Decimal(usd) for day, usd in forecast["days"].items()}
    stored = StoredTotal(Decimal(forecast["predicted_usd"]), Decimal(forecast["spent_usd"]), days)
    return calculate_live_total(stored, spent, today)


def _keep_pace(month_usd: Decimal, today: date) -> Decimal:
    """The month's end at the pace so far, where there is no forecast."""
    return round(month_usd * last_day_of_month(today).day / today.day, 2)


def _local_day(now: datetime, timezone: str) -> date:
    from zoneinfo import ZoneInfo  # reads files, which a missing cache needs not

    return now.astimezone(ZoneInfo(timezone)).date()


def describe(glance: Glance) -> dict[str, Any]:
    """The JSON object of `tally today --json`; money is text."""
    share = glance.limit_share
    return {
        "format": FORMAT,
        "saved_at": glance.saved_at,
        "is_signed_in": glance.is_signed_in,
        "day": glance.day.isoformat(),
        "today_usd": f"{glance.today_usd:f}",
        "month_usd": f"{glance.month_usd:f}",
        "month_end_usd": f"{glance.month_end_usd:f}",
        "plan_usd": f"{glance.plan_usd:f}",
        "limit_usd": None if glance.limit_usd is None else f"{glance.limit_usd:f}",
        "limit_used_percent": None if share is None else round(float(share * 100), 1),
        "text": write_today(glance),
    }


def write_today(glance: Glance) -> str:
    """The line of `tally today`."""
    parts = [
        f"{write_usd(glance.today_usd)} today",
        f"{write_usd(glance.month_usd)} this month",
        f"about {write_usd(glance.month_end_usd)} by its end",
    ]
    share = glance.limit_share
    if share is not None and glance.limit_usd is not None:
        parts.append(f"{share:.0%} of {write_usd(glance.limit_usd)}")
    return " · ".join(filter(None, [*parts, write_age(glance.age)]))


def write_age(age: timedelta) -> str:
    """The time since the figures were stored: `as of 3 h ago`; empty for figures of now."""
    minutes, hours = age // timedelta(minutes=1), age // timedelta(hours=1)
    if minutes < NEW_MINUTES:
        return ""
    if hours < 1:
        return f"as of {minutes} min ago"
    return f"as of {hours} h ago" if hours < 48 else f"as of {age.days:,} days ago"


def write_status(glance: Glance | None, session: Mapping[str, Any]) -> str:
    """The status line: session, today, month against the limit, and what plans are worth."""
    parts = [_write_session(session)]
    if glance is not None:
        month = f"{write_usd(glance.month_usd)} this month"
        if glance.limit_usd is not None:
            month = f"{write_usd(glance.month_usd)} of {write_usd(glance.limit_usd)} this month"
        parts += [f"{write_usd(glance.today_usd)} today", month]
        parts += [f"plan worth {write_usd(glance.plan_usd)}"] if glance.plan_usd else []
        parts += [write_age(glance.age)] if glance.age >= timedelta(hours=1) else []
    return " · ".join(filter(None, parts)) or "Tally: nothing collected yet"


def _write_session(session: Mapping[str, Any]) -> str:
    cost, model = session.get("cost"), session.get("model")
    name = model.get("display_name") if isinstance(model, dict) else None
    usd = cost.get("total_cost_usd") if isinstance(cost, dict) else None
    is_amount = isinstance(usd, int | float) and not isinstance(usd, bool) and 0 <= usd < 10**9
    shown = "".join(c for c in name if c.isprintable())[:40] if isinstance(name, str) else ""
    return " ".join(filter(None, [shown, f"{write_usd(Decimal(str(usd)))} session" if is_amount else ""]))


def write_usd(amount: Decimal) -> str:
    """US dollars with cents below 100 dollars."""
    return f"${amount:,.2f}" if abs(amount) < 100 else f"${amount:,.0f}"


def _read_session() -> dict[str, Any]:
    """The object that Claude Code writes to standard input; empty where nothing comes in time."""
    if sys.stdin is None or sys.stdin.isatty():
        return {}
    source, text, until = sys.stdin.fileno(), b"", time.monotonic() + INPUT_SECONDS
    while len(text) < INPUT_BYTES and select.select([source], [], [], max(0, until - time.monotonic()))[0]:
        part = os.read(source, 65_536)
        if not part:
            break
        text += part
    try:
        session = json.loads(text)
    except ValueError:
        return {}
    return session if isinstance(session, dict) else {}


def first_day(today: date) -> date:
    """The first of the days that are stored: the month's, and those that another time zone still has."""
    return today.replace(day=1) - timedelta(days=2)
