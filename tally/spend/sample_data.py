"""Half a year of sample spend that looks like a person's own: clearly marked, and gone with one undo."""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from tally.core.progress import Progress, ignore_progress
from tally.core.records import CostRecord, identity
from tally.importers import Parsed
from tally.importers.save import ImportResult, save_import, undo_import
from tally.spend.subscriptions import Subscription, add_subscription, delete_subscription, list_subscriptions
from tally.storage.database import Database, Query, select_all

FORMAT = "sample"
FILENAME = "Sample data"
DAYS = 180

# provider, model, $ per million tokens in and out, requests on a workday, first day (of DAYS), growth a day
MODELS = (
    ("openai", "gpt-5.2", "1.25", "10", 190, 0, 0.002),
    ("openai", "gpt-5.2-mini", "0.25", "2", 270, 30, 0.004),
    ("anthropic", "claude-opus-4-5", "5", "25", 48, 55, 0.003),
    ("anthropic", "claude-haiku-4-5", "1", "5", 120, 20, 0.001),
    ("google", "gemini-3-pro", "2", "12", 70, 40, 0.002),
    ("mistral", "mistral-large-3", "0.5", "1.5", 90, 10, 0.0),
)
# New this week, and dear enough to be out of the ordinary.
NEW_MODEL = ("openai", "gpt-5.2-pro", "21", "168", 18, DAYS - 5, 0.0)
# A coding agent that a plan covers: worth, not money.
PLAN_MODEL = ("claude-desktop", "claude-sonnet-4-5", "3", "15", 9, 0, 0.002)
PLANS = (("chatgpt", "ChatGPT Plus", "20", 3), ("claude-desktop", "Claude Pro", "20", 17))  # renewal day


def load(database: Database, today: date, on_progress: Progress = ignore_progress) -> ImportResult:
    """Put the sample into the account; loading it twice adds nothing."""
    records = list(sample_records(today))
    parsed = Parsed(records=records, lines=[(place + 2,) for place in range(len(records))])
    result = save_import(database, parsed, FILENAME, FORMAT, str(today).encode(), on_progress)
    if not any(_is_sample(row) for row in list_subscriptions(database)):
        providers = {row["name"]: row["id"] for row in database.select(Query("providers", "id,name", ["id"]))}
        for provider, plan, amount, renewal_day in PLANS:
            started = today - timedelta(days=DAYS)
            plan_row = Subscription(providers[provider], plan, Decimal(amount), started, renewal_day)
            add_subscription(database, plan_row, {"sample": True})
    return result


def remove(database: Database) -> int:
    """Take every sample out of the account; returns how many imports of it there were."""
    samples = Query("imports", "id", ["id"], {"format": FORMAT})
    imports = [str(row["id"]) for row in select_all(database, samples)]
    for import_id in imports:
        undo_import(database, import_id)
    for row in list_subscriptions(database):
        if _is_sample(row):
            delete_subscription(database, str(row["id"]))
    return len(imports)


def sample_records(today: date) -> Iterator[CostRecord]:
    """The same records for the same day: a working rhythm, growth, models that come later, a few big days."""
    yield from _records_of(MODELS, random.Random(20), today)  # noqa: S311 - a sample, not a secret
    yield from _records_of((NEW_MODEL,), random.Random(22), today)  # noqa: S311
    for record in _records_of((PLAN_MODEL,), random.Random(21), today):  # noqa: S311
        yield replace(record, cost_basis="included")


def _records_of(
    models: Sequence[tuple[str, str, str, str, int, int, float]], dice: random.Random, today: date
) -> Iterator[CostRecord]:
    for age in range(DAYS, 0, -1):
        day = today - timedelta(days=age)
        rhythm = 0.22 if day.weekday() >= 5 else 1.0
        burst = 2.2 if dice.random() < 0.03 else 1.0
        for provider, model, price_in, price_out, workday_requests, first, growth in models:
            if DAYS - age < first:
                continue
            mean = workday_requests * rhythm * burst * math.exp(growth * (DAYS - age - first))
            requests = max(0, round(dice.gauss(mean, mean * 0.25)))
            for hour in sorted(dice.sample(range(8, 20), 3)):
                if share := requests // 3:
                    yield _record(
                        dice, day, hour, provider, model, Decimal(price_in), Decimal(price_out), share
                    )


def _record(
    dice: random.Random,
    day: date,
    hour: int,
    provider: str,
    model: str,
    price_in: Decimal,
    price_out: Decimal,
    requests: int,
) -> CostRecord:
    input_tokens = requests * dice.randint(2_500, 9_000)
    output_tokens = requests * dice.randint(250, 1_400)
    cost = (input_tokens * price_in + output_tokens * price_out) / 1_000_000
    return CostRecord(
        provider=provider,
        timestamp=datetime.combine(day, time(hour, dice.randint(0, 59)), UTC),
        model_name=model,
        cost_usd=cost,
        source_key=identity("sample", provider, model, day, hour),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_input_tokens=input_tokens // 3,
        request_count=requests,
        metadata={"sample": True},
    )


def _is_sample(row: dict[str, object]) -> bool:
    metadata = row["metadata"]
    return isinstance(metadata, dict) and metadata.get("sample") is True
