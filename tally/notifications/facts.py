"""The facts of an event, as jobs store them: numbers and names of that moment, from which every text is made.

Amounts are decimals as text, days and instants are ISO 8601. A fact that is missing is left out of the text.
Every kind may have `as_of` (an instant), `link` (a path of the dashboard), and `project_id` or `person_id`
where not everybody may see the event.

    budget         budget (its name), scope, measure (cost, tokens), threshold (actual, forecast), percent,
                   amount, currency, spent, period (day, week, month, quarter, year; of the current one),
                   period_start, period_end, likely, low, high (the 80% range), chance (0 to 1, of exceeding
                   the amount)
    anomaly        day, model, provider, amount, expected, low, high, currency
    new_model      model, provider, share (0 to 1), amount, currency, since
    silent_source  source, last_day, days, problem
    renewal        plan, provider, amount, currency, renews_on
    price          model, provider, changes (a list of {class, before, after}, per million tokens), from_day,
                   currency
    retirement     model, provider, retires_on, successor, amount (of the last 30 days), currency
    bill           provider, account, period_start, period_end, billed, estimated, currency
    idle           finding (key, connection, agent, environment, container), name, days; since, was_used,
                   problem; of those whose calls fail: calls, amount, currency
    credits        finding (end, empty, expiry), provider, amount (what is left, or expires), currency,
                   ends_on, early, late (the 80% range), expires_on
    error_rate     model, provider, provider_key, value and limit (percent), failed, requests, minutes
    latency        model, provider, provider_key, value and limit (ms, of the p95), requests, minutes
    channel        channel (its name), reason
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from tally.notifications.wording import clean, format_day, format_instant, format_money, format_tokens

MAX_NUMBER = Decimal(10) ** 18


@dataclass(frozen=True, slots=True)
class Facts:
    """Stored facts, read leniently: a value of another form counts as missing."""

    values: Mapping[str, Any]
    zone: ZoneInfo

    def name(self, key: str, otherwise: str = "") -> str:
        """A name, harmless in any message."""
        value = self.values.get(key)
        return clean(value) if isinstance(value, str) and value.strip() else otherwise

    def sentence(self, key: str) -> str:
        """A text of Tally's own, or of a provider, on one line."""
        value = self.values.get(key)
        return clean(value, 300) if isinstance(value, str) else ""

    def number(self, key: str) -> Decimal | None:
        """An exact number."""
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return None
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            return None
        return number if number.is_finite() and abs(number) < MAX_NUMBER else None

    def amount(self, key: str) -> str:
        """Money, or tokens where the measure is that; empty if it is missing."""
        number = self.number(key)
        if number is None:
            return ""
        if self.values.get("measure") == "tokens":
            return format_tokens(number)
        currency = self.values.get("currency")
        return format_money(number, currency if isinstance(currency, str) else "USD")

    def percent(self, key: str) -> str:
        """A share of 1 as whole percent, but never 0% or 100% of what is not certain."""
        number = self.number(key)
        if number is None:
            return ""
        whole = round(number * 100)
        if number > Decimal("0.99") and number < 1:
            return "more than 99%"
        if 0 < number < Decimal("0.01"):
            return "less than 1%"
        return f"{whole}%"

    def day(self, key: str) -> str:
        """A day in words; empty if it is missing."""
        value = self.values.get(key)
        try:
            return format_day(date.fromisoformat(value[:10])) if isinstance(value, str) else ""
        except ValueError:
            return ""

    def instant(self, key: str) -> str:
        """An instant in words, in the workspace's zone; empty if it is missing."""
        value = self.values.get(key)
        try:
            found = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            return ""
        return format_instant(found, self.zone) if found and found.tzinfo else ""

    def path(self, key: str = "link") -> str:
        """A path of the dashboard; empty if it is missing or leads elsewhere."""
        value = self.values.get(key)
        is_path = isinstance(value, str) and value.isascii() and value.isprintable() and len(value) <= 300
        if not is_path or not isinstance(value, str):
            return ""
        safe = value.lstrip("/")
        return "" if any(mark in safe for mark in (":", "\\", " ", "<", ">", '"', "//")) else safe
