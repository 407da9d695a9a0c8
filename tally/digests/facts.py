"""The facts of a mail: one read with the rights of its recipient, amounts in the workspace's currency."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tally.advice.kept import KeptAdvice
from tally.advice.report import load_advice
from tally.core.known_days import KnownDays
from tally.core.live_total import SpentSoFar, StoredTotal
from tally.currency import stored_rates
from tally.currency.rates import USD, CurrencyUnknown, Rates, from_usd
from tally.digests.periods import Kind, Period, last_period
from tally.spend.subscriptions import Subscription
from tally.storage.database import Database
from tally.storage.unnamed import UNASSIGNED, UNNAMED

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Cost:
    """Money of one day, model and kind of charge; what a plan includes is none."""

    day: date
    model: str
    charge_type: str
    amount: Decimal
    tokens: int


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A day out of the ordinary, or a model's first day."""

    kind: str
    day: date
    series: str  # a model, a provider, or empty for all spend
    amount: Decimal
    expected: Decimal | None


@dataclass(frozen=True, slots=True)
class Source:
    """A connection or a machine, with the last time that it brought anything."""

    kind: str
    format: str
    name: str
    last_at: datetime | None
    problem: str


@dataclass(frozen=True, slots=True)
class MonthAhead:
    """The newest prediction of the month's end, in US dollars, and its 80% range."""

    stored: StoredTotal
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Money:
    """The currency of a mail with its rates."""

    code: str
    rates: Rates | None
    newest: date

    def convert(self, cost_usd: Decimal, day: date) -> Decimal:
        """US dollars at the rate of a day; days to come have the newest one."""
        return from_usd(cost_usd, self.code, min(day, self.newest), self.rates)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a mail may tell its recipient."""

    period: Period
    today: date
    workspace: str
    is_personal: bool
    money: Money
    costs: list[Cost]  # since the period before, up to today
    projects: dict[str, Decimal]
    anomalies: list[Anomaly]
    subscriptions: list[Subscription]
    sources: list[Source]
    month: MonthAhead | None
    month_usd: SpentSoFar
    begins: date | None = None  # the first day of all costs
    findings: Sequence[Mapping[str, Any]] = ()  # facts of open events of the kind `idle`
    advice: Sequence[KeptAdvice] = ()  # open, found in the period or since, largest saving first

    @property
    def known_before(self) -> KnownDays:
        """The days of the period before that are known."""
        return KnownDays(self.period.before, self.period.first - timedelta(days=1), self.begins)

    def costs_between(self, first: date, last: date) -> list[Cost]:
        """Costs of these days."""
        return [cost for cost in self.costs if first <= cost.day <= last]


def load_facts(database: Database, kind: Kind, today: date) -> Facts | None:
    """Read the facts of the last complete period before today; None without the workspace."""
    period = last_period(kind, today)
    answer = database.call(
        "digest_facts",
        since=min(period.before, today.replace(day=1)).isoformat(),
        first_day=period.first.isoformat(),
        last_day=period.last.isoformat(),
        today=today.isoformat(),
    )
    if answer is None:
        return None
    money = _choose_money(database, answer["currency"], period.before, today)
    new = [one for one in load_advice(database) if one.found_at.date() >= period.first]
    return replace(parse_facts(answer, period, today, money), advice=new)


def parse_facts(answer: Mapping[str, Any], period: Period, today: date, money: Money) -> Facts:
    """The facts in the answer of `digest_facts`."""
    events = answer["events"]
    return Facts(
        period=period,
        today=today,
        workspace=answer["name"],
        is_personal=answer["is_personal"],
        money=money,
        costs=_parse_costs(answer["daily"], money),
        projects=_sum_projects(answer, money),
        anomalies=[_parse_anomaly(row, money) for row in events["anomalies"] or ()],
        subscriptions=[_parse_subscription(row) for row in events["subscriptions"] or ()],
        sources=[_parse_source(row) for row in events["sources"] or ()],
        month=_parse_month(answer["month"]),
        month_usd=_sum_month(answer["daily"], today),
        begins=date.fromisoformat(answer["begins_on"]) if answer["begins_on"] else None,
        findings=events["findings"] or (),
    )


def _choose_money(database: Database, code: str, first: date, today: date) -> Money:
    """The workspace's currency; US dollars where its rates have ended, as on the pages."""
    if code == USD:
        return Money(USD, None, today)
    rates = stored_rates.load_rates(database)
    newest = min(today, rates.newest_day)
    try:
        rates.find(code, first), rates.find(code, newest)
    except CurrencyUnknown:
        return Money(USD, None, today)
    return Money(code, rates, newest)


def _parse_costs(columns: Mapping[str, list[Any]], money: Money) -> list[Cost]:
    names = ("date", "model", "charge_type", "cost_basis", "cost_usd", "tokens")
    costs = []
    for day, model, charge_type, basis, cost_usd, tokens in zip(
        *(columns[name] for name in names), strict=True
    ):
        if basis != "included":
            on = date.fromisoformat(day)
            amount = money.convert(Decimal(cost_usd or 0), on)
            costs.append(Cost(on, model, charge_type, amount, tokens))
    return costs


def _sum_projects(answer: Mapping[str, Any], money: Money) -> dict[str, Decimal]:
    """Money by the name of the project."""
    columns = answer["by_project"]
    if columns is None:
        return {}
    names = UNNAMED | (answer["projects"] or {})
    sums: dict[str, Decimal] = {}
    for day, project, basis, cost_usd in zip(
        *(columns[name] for name in ("date", "project", "cost_basis", "cost_usd")), strict=True
    ):
        if basis != "included":
            name = names.get(project, UNNAMED[UNASSIGNED])
            sums[name] = sums.get(name, ZERO) + money.convert(Decimal(cost_usd or 0), date.fromisoformat(day))
    return sums


def _parse_anomaly(row: Mapping[str, Any], money: Money) -> Anomaly:
    day = date.fromisoformat(row["day"])
    expected = row["expected_usd"]
    return Anomaly(
        row["kind"],
        day,
        row["model"] or row["provider"] or "",
        money.convert(Decimal(row["actual_usd"]), day),
        None if expected is None else money.convert(Decimal(expected), day),
    )


def _parse_subscription(row: Mapping[str, Any]) -> Subscription:
    ended = row["ended_on"]
    return Subscription(
        provider_id=row["provider_id"],
        plan_name=row["plan_name"],
        amount_usd=Decimal(row["amount_usd"]),
        started_on=date.fromisoformat(row["started_on"]),
        renewal_day=row["renewal_day"],
        interval=row["interval"],
        ended_on=ended and date.fromisoformat(ended),
    )


def _parse_source(row: Mapping[str, Any]) -> Source:
    last = row["finished_at"]
    return Source(
        row["kind"], row["format"], row["name"], last and datetime.fromisoformat(last), row["problem"] or ""
    )


def _parse_month(row: Mapping[str, Any] | None) -> MonthAhead | None:
    if row is None:
        return None
    days = {date.fromisoformat(day): Decimal(usd) for day, usd in (row["days"] or {}).items()}
    stored = StoredTotal(Decimal(row["predicted_usd"]), Decimal(row["spent_usd"]), days)
    return MonthAhead(stored, Decimal(row["low_usd"]), Decimal(row["high_usd"]))


def _sum_month(columns: Mapping[str, list[Any]], today: date) -> SpentSoFar:
    """US dollars of today's month, before today and today."""
    before = spent_today = ZERO
    for day, basis, cost_usd in zip(
        *(columns[name] for name in ("date", "cost_basis", "cost_usd")), strict=True
    ):
        on = date.fromisoformat(day)
        if basis == "included" or (on.year, on.month) != (today.year, today.month):
            continue
        if on == today:
            spent_today += Decimal(cost_usd or 0)
        else:
            before += Decimal(cost_usd or 0)
    return SpentSoFar(before, spent_today)
