"""Accounts with one planted saving each, and without any, as records of four weeks and more."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from tally.pricing.list_prices import price
from tally.pricing.usage import Conditions, Usage
from tests.database_fixtures import Connection, make_months

TODAY = date(2026, 10, 20)
DAYS, MONTHS = 32, 85  # of usual accounts, and of those with whole months

ADD = """
insert into public.cost_records (
    workspace_id, user_id, provider_id, import_id, timestamp, model_name, cost_usd, cost_basis, tokens_used,
    input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, request_count, collection_method,
    metadata
)
select
    %(account)s, %(account)s, p.id, %(source)s, r.at, r.model, r.cost_usd, r.basis, r.input + r.output,
    r.input, r.output, r.cached, r.written, 1, 'otlp', r.metadata
from jsonb_to_recordset(%(records)s) as r (
    provider text, at timestamptz, model text, cost_usd numeric, basis text, input bigint, output bigint,
    cached bigint, written bigint, metadata jsonb
)
inner join public.providers as p on r.provider = p.name"""


@dataclass(frozen=True, slots=True)
class Call:
    """A request: its model and tokens, in which conversation and at which tier."""

    at: datetime
    provider: str
    model: str
    input: int
    output: int
    cached: int = 0
    written: int = 0
    hour_written: int = 0
    metadata: dict[str, Any] = field(default_factory=dict)
    basis: str = "estimated"

    def to_row(self) -> dict[str, Any]:
        """The record, at its list price."""
        usage = Usage(
            input_tokens=self.input,
            output_tokens=self.output,
            cached_input_tokens=self.cached,
            cache_write_tokens=self.written,
            cache_write_1h_tokens=self.hour_written,
        )
        conditions = Conditions("request", self.metadata.get("price_context", {}))
        cost = price(self.provider, self.model, usage, self.at, conditions).cost_usd
        assert cost is not None, self.model
        hour = {"cache_write_1h_tokens": self.hour_written} if self.hour_written else {}
        return {
            "provider": self.provider,
            "at": self.at.isoformat(),
            "model": self.model,
            "cost_usd": f"{cost:f}",
            "basis": self.basis,
            "input": self.input,
            "output": self.output,
            "cached": self.cached,
            "written": self.written,
            "metadata": self.metadata | hour | {"price_source": "genai-prices"},
        }


Calls = Iterator[Call]
Plant = Callable[[Random], Calls]


def _days(days: int = DAYS) -> Iterator[datetime]:
    for n in range(days, 0, -1):
        yield datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC) - timedelta(days=n)


def _vary(random: Random, usual: float, spread: float = 0.3) -> int:
    return max(1, round(usual * random.lognormvariate(0, spread)))


def single(
    random: Random, model: tuple[str, str], per_day: int, tokens: tuple[int, int], **other: Any
) -> Calls:
    """Requests without conversations, over the hours from `first` to `end`."""
    first, end = other.pop("hours", (7, 22))
    metadata = other.pop("metadata", {})
    for day in _days():
        for _ in range(per_day):
            at = day + timedelta(hours=random.uniform(first, end))
            yield Call(
                at, *model, _vary(random, tokens[0]), _vary(random, tokens[1]), metadata=metadata, **other
            )


def conversations(
    random: Random, model: tuple[str, str], per_day: int, gap: float, cache: str = "", days: int = DAYS
) -> Calls:
    """Conversations of eight turns on a growing prompt, cached for five minutes, an hour, or not at all."""
    lasts = {"": 0.0, "5m": 5.0, "1h": 60.0}[cache]
    for number, day in enumerate(_days(days)):
        for index in range(per_day):
            at, known, written_at = day + timedelta(hours=random.uniform(6, 18)), 0, 0
            prompt = _vary(random, 18_000)
            for turn in range(8):
                is_warm = bool(cache) and turn > 0 and written_at <= lasts
                cached = known if is_warm else 0
                written = prompt - cached if cache else 0
                yield Call(
                    at,
                    *model,
                    prompt,
                    _vary(random, 400),
                    cached=cached,
                    written=written,
                    hour_written=written if cache == "1h" else 0,
                    metadata={"session": f"{number}-{index}", "agent": "support"},
                )
                known, prompt = prompt, prompt + _vary(random, 700)
                minutes = gap * random.uniform(0.5, 1.5)
                written_at = minutes  # type: ignore[assignment]
                at += timedelta(minutes=minutes)


SONNET, OPUS, HAIKU = (
    ("anthropic", "claude-sonnet-5-5"),
    ("anthropic", "claude-opus-4-6"),
    ("anthropic", "claude-haiku-4-5"),
)
GPT, MINI, GPT55 = ("openai", "gpt-5.4"), ("openai", "gpt-5.4-mini"), ("openai", "gpt-5.5")
FLASH = ("google", "gemini-3.5-flash")


def healthy(random: Random) -> Calls:
    """Work that is done as cheaply as its prices allow: cached agents, mixed models for unlike work."""
    yield from conversations(random, SONNET, random.randint(2, 4), 2, cache="5m")
    yield from single(random, GPT, random.randint(3, 8), (2_500, 600))
    yield from single(random, MINI, random.randint(20, 40), (500, 60))  # short questions
    yield from single(random, FLASH, random.randint(10, 20), (300, 20))
    # Near misses: a few long requests, a few failures, a job over half of the night, a little priority.
    yield from single(random, GPT, 2, (9_000, 900), hours=(0, 9), metadata={"agent": "report"})
    yield from single(random, GPT55, 1, (20_000, 200), metadata={"agent": "reader"})
    if random.random() < 0.5:
        yield from conversations(random, HAIKU, 1, 90, cache="5m")  # too rare for a longer cache


def model_switch(random: Random) -> Calls:
    """Sonnet and Haiku do the same work."""
    yield from single(random, OPUS, 12, (3_000, 500), metadata={"agent": "refunds"})
    yield from single(random, HAIKU, 8, (3_000, 500), metadata={"agent": "refunds"})


def caching(random: Random) -> Calls:
    """Conversations without a cache."""
    yield from conversations(random, SONNET, 5, 1.5)


def cache_hour(random: Random) -> Calls:
    """Pauses of a quarter of an hour with a cache of five minutes."""
    yield from conversations(random, OPUS, 3, 15, cache="5m")


def cache_minutes(random: Random) -> Calls:
    """A cache of an hour for turns that follow each other at once."""
    yield from conversations(random, OPUS, 6, 1, cache="1h")


def batch(random: Random) -> Calls:
    """A job at night."""
    yield from single(random, GPT, 60, (6_000, 800), hours=(1, 3), metadata={"agent": "tagging"})


def long_context(random: Random) -> Calls:
    """Requests beyond the length from which a model costs double."""
    yield from single(random, GPT55, 2, (330_000, 900), metadata={"agent": "review"})
    yield from single(random, GPT55, 6, (30_000, 900), metadata={"agent": "review"})


def priority(random: Random) -> Calls:
    """Everything at the priority tier."""
    tier = {"price_context": {"service_tier": "priority"}}
    yield from single(random, GPT, 20, (4_000, 700), metadata=tier)


def plan(random: Random) -> Calls:
    """A coding agent at API prices, for more than any plan."""
    for call in conversations(random, OPUS, 9, 1.5, cache="5m", days=MONTHS):
        yield Call(
            call.at, call.provider, call.model, call.input * 3, call.output * 4, call.cached * 3,
            call.written * 3, metadata=call.metadata | {"agent": "claude-code"},
        )  # fmt: skip


def repeats(random: Random) -> Calls:
    """Calls that are sent again within seconds, and failures that cost something."""
    for call in single(random, SONNET, 25, (9_000, 500)):
        session = {"session": str(random.random()), "agent": "importer"}
        yield Call(call.at, *SONNET, call.input, call.output, metadata=session)
        if random.random() < 0.4:
            yield Call(call.at + timedelta(seconds=20), *SONNET, call.input, call.output, metadata=session)


def retirement(random: Random) -> Calls:
    """A model that retires within weeks."""
    yield from single(random, ("anthropic", "claude-sonnet-4-5"), 8, (2_500, 500))


def covered(random: Random, last: int, per_day: int) -> Calls:
    """Use that a plan covers, up to some days ago, and other use by the same source since."""
    for number, day in enumerate(_days(MONTHS)):
        for _ in range(per_day if number < MONTHS - last else 0):
            at = day + timedelta(hours=random.uniform(8, 18))
            yield Call(at, *SONNET, 20_000, 300, 18_000, metadata={"agent": "claude-code"}, basis="included")
        yield Call(day + timedelta(hours=12), *MINI, 900, 90, metadata={"agent": "codex"})


def unused_subscription(random: Random) -> Calls:
    """A plan that was last used a month ago."""
    yield from covered(random, 35, 30)


def api_instead(random: Random) -> Calls:
    """A plan that is worth less than its price."""
    yield from covered(random, 0, 4)


PLANTED: dict[str, Plant] = {
    "model_switch": model_switch,
    "caching": caching,
    "cache_hour": cache_hour,
    "cache_minutes": cache_minutes,
    "batch": batch,
    "long_context": long_context,
    "priority": priority,
    "plan": plan,
    "repeats": repeats,
    "retirement": retirement,
    "unused_subscription": unused_subscription,
    "api_instead": api_instead,
}
WITH_PLAN = ("unused_subscription", "api_instead")


def add_account(database: Connection, account: UUID, calls: Calls, plan_usd: Decimal | None = None) -> int:
    """Save the calls as records of one source, perhaps with a plan; returns their number."""
    make_months(database, TODAY - timedelta(days=MONTHS + 1), TODAY)
    [[source]] = database.execute(
        """insert into public.imports (workspace_id, user_id, kind, filename, format, file_sha256)
        values (%s, %s, 'machine', 'laptop', 'f', repeat('0', 64)) returning id""",
        [account, account],
    ).fetchall()
    end = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC)
    rows = [call.to_row() for call in calls if call.at < end]
    database.execute(ADD, {"account": account, "source": source, "records": json.dumps(rows)})
    if plan_usd is not None:
        database.execute(
            """insert into public.subscriptions
                (workspace_id, user_id, provider_id, plan_name, amount_usd, started_on, renewal_day)
            select %s, %s, p.id, 'Claude Max', %s, '2026-07-01', 1
            from public.providers as p where p.name = 'claude-desktop'""",
            [account, account, plan_usd],
        )
    return len(rows)
