"""Sample sessions of a coding agent that a plan pays for: they have value, but cost no money.

A conversation grows with every request; what was said before is read from the cache, unless a pause outlasts
it.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from tally.core.records import CostRecord, identity
from tally.pricing.usage import MILLION

PROVIDER, MODEL, AGENT = "claude-desktop", "claude-sonnet-4-5", "claude-code"
# US dollars per million tokens.
CACHE_WRITE_USD, CACHE_READ_USD, OUTPUT_USD = Decimal("3.75"), Decimal("0.3"), Decimal(15)
REPOSITORIES = ("garden-shop", "checkout", "infra")
BRANCHES = ("main", "cart-redesign", "fix-refunds")
CACHE_MINUTES = 5
PAUSE_CHANCE = 0.08
WEEKEND_CHANCE = 0.15


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation with the agent."""

    name: str
    begins_at: datetime
    repository: str
    branch: str
    requests: int


def sample_session_records(today: date, days: int) -> Iterator[CostRecord]:
    """The requests of all sessions up to yesterday, always the same for a day."""
    dice = random.Random(21)  # noqa: S311 - a sample, not a secret
    for age in range(days, 0, -1):
        day = today - timedelta(days=age)
        if day.weekday() >= 5 and dice.random() > WEEKEND_CHANCE:
            continue
        for number in range(dice.randint(1, 3)):
            begins_at = datetime.combine(day, time(8 + 5 * number, dice.randint(0, 59)), UTC)
            name = str(identity("sample session", day, number))
            place = dice.choice(REPOSITORIES), dice.choice(BRANCHES)
            yield from _make_session(Session(name, begins_at, *place, dice.randint(4, 14)), dice)


def _make_session(session: Session, dice: random.Random) -> Iterator[CostRecord]:
    moment, context = session.begins_at, 0
    for number in range(session.requests):
        added = dice.randint(14_000, 22_000) if number == 0 else dice.randint(5_000, 20_000)
        pause = dice.randint(6, 40) if number and dice.random() < PAUSE_CHANCE else dice.randint(1, 4)
        moment += timedelta(minutes=pause, seconds=dice.randint(0, 59))
        cached = 0 if pause > CACHE_MINUTES else context
        yield _make_request(session, moment, (cached, context + added - cached, dice.randint(200, 2_400)))
        context += added


def _make_request(session: Session, moment: datetime, tokens: tuple[int, int, int]) -> CostRecord:
    """A request with so many tokens read from the cache, written to it, and answered."""
    cached, written, output = tokens
    cost = cached * CACHE_READ_USD + written * CACHE_WRITE_USD + output * OUTPUT_USD
    return CostRecord(
        provider=PROVIDER,
        timestamp=moment,
        model_name=MODEL,
        cost_usd=cost / MILLION,
        source_key=identity("sample", session.name, moment),
        cost_basis="included",
        input_tokens=cached + written,
        output_tokens=output,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        request_count=1,
        metadata={
            "sample": True,
            "agent": AGENT,
            "session": session.name,
            "repository": session.repository,
            "branch": session.branch,
            "project": session.repository,
        },
    )
