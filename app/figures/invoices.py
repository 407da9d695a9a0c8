"""Invoices as the page shows them: compared with usage or plans, with the months that lack one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pandas as pd

from app.formats.dates import format_day, format_month, format_short_day, format_span
from app.formats.money import format_money, format_usd
from app.formats.text import DASH
from tally.invoices.reconcile import Charge, Comparison, State, compare
from tally.invoices.stored import read_charge, read_usage
from tally.spend.renewals import find_planned
from tally.spend.subscriptions import Subscription

LEAST_MISSED_USD = Decimal(1)
KINDS = {"usage": "Usage", "subscription": "Plan", "credits": "Credits"}
STATES: dict[State, str] = {
    "open": "Open",
    "matched": "Matched",
    "differs": "Differs",
    "ignored": "Ignored",
    "credits": "Credits",
}
TO_CHECK: tuple[State, ...] = ("open", "differs")
PARTS = {
    "exchange": "Exchange rate",
    "edge": "Period edge",
    "discount": "Discount",
    "unexplained": "Unexplained",
    "tax": "Tax",
}
ZONES = {"America/Los_Angeles": "Pacific time", "UTC": "UTC"}


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """An invoice with its comparison."""

    invoice_id: str
    provider_id: str
    seller: str
    number: str
    kind: str
    issued_on: date
    paid_on: date | None
    period: tuple[date, date] | None
    card_last_four: str | None
    plan_name: str | None
    charge: Charge
    comparison: Comparison
    zone: str = "UTC"
    last_day_usd: Decimal = Decimal(0)
    overlaps: str = ""  # the number of another invoice of the same usage

    @property
    def state_text(self) -> str:
        """The state in words, with the amount by which it differs."""
        state = self.comparison.state
        if state == "differs":
            return f"Differs by {format_usd(abs(self.comparison.unexplained))}"
        return STATES[state]

    @property
    def about(self) -> str:
        """Its kind and its days."""
        days = format_span(*self.period) if self.period else format_day(self.issued_on)
        return f"{KINDS[self.kind]}, {days}"

    @property
    def total_text(self) -> str:
        """The total in its currency."""
        return format_money(self.charge.total, self.charge.currency)


class Missing(NamedTuple):
    """A month with billed usage and no invoice."""

    provider: str
    month: date
    cost_usd: Decimal


def read_invoices(
    rows: Sequence[Mapping[str, Any]],
    usage: Mapping[str, Mapping[str, str]],
    plans: Sequence[Subscription],
) -> list[InvoiceView]:
    """The views of rows as the database returns them."""
    views = [_read(row, usage.get(row["id"]), plans) for row in rows]
    return [replace(view, overlaps=_find_overlap(view, views)) for view in views]


def _find_overlap(view: InvoiceView, views: Sequence[InvoiceView]) -> str:
    """The number of another invoice of a provider's usage that has some of the same days."""
    if view.kind != "usage" or view.period is None or view.charge.decision == "ignored":
        return ""
    first, last = view.period
    return next(
        (
            other.number
            for other in views
            if other.invoice_id != view.invoice_id
            and (other.kind, other.provider_id) == (view.kind, view.provider_id)
            and other.charge.decision != "ignored"
            and other.period is not None
            and other.period[0] <= last
            and other.period[1] >= first
        ),
        "",
    )


def _read(
    row: Mapping[str, Any], usage: Mapping[str, str] | None, plans: Sequence[Subscription]
) -> InvoiceView:
    charge = read_charge(row)
    issued_on = date.fromisoformat(row["issued_on"])
    known = usage and read_usage(usage)
    planned = find_planned([plan for plan in plans if plan.provider_id == row["provider_id"]], issued_on)
    return InvoiceView(
        row["id"],
        row["provider_id"],
        row["seller"],
        row["number"],
        row["kind"],
        issued_on,
        _day(row["paid_on"]),
        _period(row),
        row["card_last_four"],
        row["plan_name"],
        charge,
        compare(charge, known or None, planned.amount_usd if planned else None),
        usage["zone"] if usage else "UTC",
        known.last_day_usd if known else Decimal(0),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _period(row: Mapping[str, Any]) -> tuple[date, date] | None:
    first, last = _day(row["period_start"]), _day(row["period_end"])
    return (first, last) if first and last else None


def find_missing(
    daily: pd.DataFrame, views: Sequence[InvoiceView], providers: Mapping[str, str], today: date
) -> list[Missing]:
    """Full months since the first invoice with billed usage, but no invoice or credits of its provider."""
    if not views or daily.empty:
        return []
    first = min(view.period[0] if view.period else view.issued_on for view in views).replace(day=1)
    billed = daily[
        (daily["cost_basis"] == "billed")
        & (daily["charge_type"] == "usage")
        & (daily["date"] >= pd.Timestamp(first))
        & (daily["date"] < pd.Timestamp(today.replace(day=1)))
    ]
    covered = {
        (providers.get(view.provider_id), month)
        for view in views
        if view.kind == "usage" and view.period
        for month in _months_between(*view.period)
    }
    prepaid = {providers.get(view.provider_id) for view in views if view.kind == "credits"}
    sums: dict[tuple[str, date], Decimal] = {}
    for day, provider, cost in zip(billed["date"], billed["provider"], billed["cost_usd"], strict=True):
        key = (provider, day.date().replace(day=1))
        sums[key] = sums.get(key, Decimal(0)) + (cost or Decimal(0))
    return [
        Missing(provider, month, cost)
        for (provider, month), cost in sorted(sums.items(), key=lambda item: (item[0][1], item[0][0]))
        if cost >= LEAST_MISSED_USD and (provider, month) not in covered and provider not in prepaid
    ]


def _months_between(first: date, last: date) -> list[date]:
    months = [first.replace(day=1)]
    while (after := (months[-1] + timedelta(days=32)).replace(day=1)) <= last:
        months.append(after)
    return months


def describe_missing(missing: Sequence[Missing], names: Mapping[str, str]) -> str:
    """The quiet line about months without an invoice."""
    if not missing:
        return ""
    told = [
        f"{names.get(one.provider, one.provider)}, {format_usd(one.cost_usd)} in {format_month(one.month)}"
        for one in missing[-3:]
    ]
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return f"No invoice of {'; '.join(told)}{more}"


def describe_paper(view: InvoiceView, today: date) -> str:
    """The days and the card of an invoice."""
    paid = f"paid {format_short_day(view.paid_on, today)}" if view.paid_on else "not paid yet"
    card = f" by card ending {view.card_last_four}" if view.card_last_four else ""
    told = (f"Issued {format_day(view.issued_on)}", f"{paid}{card}", "lines and total add up")
    return " \N{MIDDLE DOT} ".join(told)


def explain(view: InvoiceView, close_line: str | None) -> list[tuple[str, str]]:
    """Sentences about the parts that are not 0, by the names of the parts."""
    parts, charge = view.comparison.parts, view.charge
    told = []
    if charge.usd_rate is None:
        told.append(("Not counted", f"There is no exchange rate of {charge.currency} on that day."))
    if view.overlaps:
        told.append(
            (
                "Overlap",
                f"Invoice {view.overlaps} has some of the same days; both are compared with their usage.",
            )
        )
    if parts.get("exchange"):
        told.append(
            (PARTS["exchange"], "The seller's rate is within 3% of that of the European Central Bank.")
        )
    if parts.get("edge"):
        moved = format_usd(abs(parts["edge"]))
        zone = ZONES.get(view.zone, view.zone)
        told.append(
            (PARTS["edge"], f"The seller counts days in {zone}, which moves {moved} over the period's ends.")
        )
    if view.comparison.state == "open" and charge.usd_rate is not None:
        told.append(
            (PARTS["unexplained"], "Tally has no usage of this period. Import it, or connect the provider.")
        )
    elif abs(parts.get("unexplained", Decimal(0))) > view.comparison.tolerance:
        told.append((PARTS["unexplained"], _explain_rest(view, close_line)))
    return told


def _explain_rest(view: InvoiceView, close_line: str | None) -> str:
    rest = view.comparison.unexplained
    if view.kind == "subscription":
        return f"The plan is entered with {format_usd(view.comparison.known_usd or 0)} a renewal."
    text = f"Above the tolerance of {format_usd(view.comparison.tolerance)} (1%, at least $0.50)."
    if close_line:
        return f"{text} The line “{close_line}” is close to it."
    if -view.last_day_usd <= rest < 0:
        return f"{text} The last day's usage, {format_usd(view.last_day_usd)}, may be on the next invoice."
    return text


def to_frame(views: Sequence[InvoiceView]) -> pd.DataFrame:
    """The rows of the table; totals with their currencies."""
    return pd.DataFrame(
        [
            {
                "seller": view.seller,
                "number": view.number,
                "for": view.about,
                "total": (view.charge.total, view.charge.currency),
                "usd": view.charge.total_usd if view.charge.usd_rate is not None else None,
                "known": view.comparison.known_usd,
                "state": view.state_text,
            }
            for view in views
        ],
        columns=["seller", "number", "for", "total", "usd", "known", "state"],
        dtype=object,
    )


def describe_view(view: InvoiceView) -> str:
    """The second line of an invoice in a list."""
    return f"{view.about} \N{MIDDLE DOT} {view.total_text} \N{MIDDLE DOT} {view.state_text}"


def dash_or_usd(amount: Decimal | None) -> str:
    """An amount, or a dash without one."""
    return DASH if amount is None else format_usd(amount)
