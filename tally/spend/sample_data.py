"""Sample data: half a year of plausible spend, marked as sample and removed in one step."""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from tally.core.progress import Progress, ignore_progress
from tally.core.records import CostRecord, identity
from tally.importers import Parsed
from tally.importers.save import ImportFile, ImportResult, save_import, undo_import
from tally.pricing.usage import MILLION
from tally.spend.sample_sessions import sample_session_records
from tally.spend.sample_tickets import sample_ticket_records
from tally.spend.subscriptions import Subscription, add_subscription, delete_subscription, list_subscriptions
from tally.storage.database import Database, Query, Row, select_all

FORMAT = "sample"
FILENAME = "Sample data"
DAYS = 180
WEEKEND_SHARE = 0.22
BUSY_CHANCE, BUSY_FACTOR = 0.03, 2.2  # a few days are far busier than others
REQUESTS_DEVIATION = 0.25
BUSINESS_HOURS = range(8, 20)
HOURS_PER_DAY = 3


@dataclass(frozen=True, slots=True)
class SampleModel:
    """A model of the sample: prices in US dollars per million tokens, growth per day as an exponent."""

    provider: str
    name: str
    input_usd_per_mtok: Decimal
    output_usd_per_mtok: Decimal
    workday_requests: int
    first_day: int = 0  # index of a day, below DAYS
    growth: float = 0.0

    def expect_requests(self, day: int) -> float:
        """Mean requests of a workday on or after the first day."""
        return self.workday_requests * math.exp(self.growth * (day - self.first_day))


MODELS = (
    SampleModel("openai", "gpt-5.2", Decimal("1.25"), Decimal(10), 190, 0, 0.002),
    SampleModel("openai", "gpt-5.2-mini", Decimal("0.25"), Decimal(2), 270, 30, 0.004),
    SampleModel("anthropic", "claude-opus-4-5", Decimal(5), Decimal(25), 48, 55, 0.003),
    SampleModel("anthropic", "claude-haiku-4-5", Decimal(1), Decimal(5), 120, 20, 0.001),
    SampleModel("google", "gemini-3-pro", Decimal(2), Decimal(12), 70, 40, 0.002),
    SampleModel("mistral", "mistral-large-3", Decimal("0.5"), Decimal("1.5"), 90, 10),
)
# New this week, and expensive enough to be an outlier.
NEW_MODEL = SampleModel("openai", "gpt-5.2-pro", Decimal(21), Decimal(168), 24, DAYS - 5)
# Provider, plan, dollars per month, renewal day.
PLANS = (("chatgpt", "ChatGPT Plus", "20", 3), ("claude-desktop", "Claude Pro", "20", 17))


def load(database: Database, today: date, on_progress: Progress = ignore_progress) -> ImportResult:
    """Add the sample to the workspace; safe to repeat."""
    records = list(sample_records(today))
    parsed = Parsed(records=records, lines=[(place + 2,) for place in range(len(records))])
    result = save_import(database, parsed, ImportFile(FILENAME, FORMAT, str(today).encode()), on_progress)
    if not any(_is_sample(row) for row in list_subscriptions(database)):
        _add_subscriptions(database, today)
    return result


def remove(database: Database) -> int:
    """Remove the sample that the account added to the workspace; returns the number of its imports."""
    samples = Query("imports", "id", ["id"], {"format": FORMAT, "user_id": database.scope.user_id})
    imports = [str(row["id"]) for row in select_all(database, samples)]
    for import_id in imports:
        undo_import(database, import_id)
    for row in list_subscriptions(database):
        if _is_sample(row) and row["user_id"] == database.scope.user_id:
            delete_subscription(database, str(row["id"]))
    return len(imports)


def sample_records(today: date) -> Iterator[CostRecord]:
    """The records up to yesterday, always the same for a day: workdays, growth, later models, busy days."""
    yield from _make_records(MODELS, random.Random(20), today)  # noqa: S311 - a sample, not a secret
    yield from _make_records((NEW_MODEL,), random.Random(22), today)  # noqa: S311
    yield from sample_session_records(today, DAYS)
    yield from sample_ticket_records(today)


def _add_subscriptions(database: Database, today: date) -> None:
    providers = {row["name"]: row["id"] for row in database.select(Query("providers", "id,name", ["id"]))}
    started = today - timedelta(days=DAYS)
    for provider, plan, amount, renewal_day in PLANS:
        subscription = Subscription(providers[provider], plan, Decimal(amount), started, renewal_day)
        add_subscription(database, subscription, {"sample": True})


def _make_records(models: Sequence[SampleModel], dice: random.Random, today: date) -> Iterator[CostRecord]:
    for day_number in range(DAYS):
        day = today - timedelta(days=DAYS - day_number)
        rhythm = WEEKEND_SHARE if day.weekday() >= 5 else 1.0
        burst = BUSY_FACTOR if dice.random() < BUSY_CHANCE else 1.0
        for model in models:
            if day_number >= model.first_day:
                mean = model.expect_requests(day_number) * rhythm * burst
                yield from _make_day(model, dice, day, mean)


def _make_day(model: SampleModel, dice: random.Random, day: date, mean: float) -> Iterator[CostRecord]:
    requests = max(0, round(dice.gauss(mean, mean * REQUESTS_DEVIATION)))
    for hour in sorted(dice.sample(BUSINESS_HOURS, HOURS_PER_DAY)):
        if share := requests // HOURS_PER_DAY:
            yield _make_record(model, dice, datetime.combine(day, time(hour), UTC), share)


def _make_record(model: SampleModel, dice: random.Random, hour: datetime, requests: int) -> CostRecord:
    input_tokens = requests * dice.randint(2_500, 9_000)
    output_tokens = requests * dice.randint(250, 1_400)
    cost = input_tokens * model.input_usd_per_mtok + output_tokens * model.output_usd_per_mtok
    return CostRecord(
        provider=model.provider,
        timestamp=hour.replace(minute=dice.randint(0, 59)),
        model_name=model.name,
        cost_usd=cost / MILLION,
        source_key=identity("sample", model.provider, model.name, hour.date(), hour.hour),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_input_tokens=input_tokens // 3,
        request_count=requests,
        metadata={"sample": True},
    )


def _is_sample(row: Row) -> bool:
    metadata = row["metadata"]
    return isinstance(metadata, dict) and metadata.get("sample") is True
