"""Sample tickets of a support desk: calls that name their prompt and its version, by session."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from tally.core.records import CostRecord, identity
from tally.pricing.usage import MILLION

DAYS, TICKETS_PER_DAY = 40, 14
TAGGING, REFUNDS, REPLIES = "tag-ticket", "refund-policy", "draft-reply"
SONNET, HAIKU, MINI = "claude-sonnet-4-5", "claude-haiku-4-5", "gpt-5.2-mini"
# US dollars per million tokens of input and of output.
PRICES = {
    SONNET: (Decimal(3), Decimal(15)),
    HAIKU: (Decimal(1), Decimal(5)),
    MINI: (Decimal("0.25"), Decimal(2)),
}
PROVIDERS = {SONNET: "anthropic", HAIKU: "anthropic", MINI: "openai"}
TRIED_UNTIL = 14  # days ago: until then, half of the tickets were tagged by the cheaper model
SPLIT_SINCE, REWRITTEN, REPLIES_CHANGED = 13, 28, 20  # days ago
REFUND_CHANCE, SECOND_CALL_CHANCE, FAILURE_CHANCE, PASS_CHANCE = 0.7, 0.4, 0.015, 0.955
# Input tokens, output tokens and milliseconds of a usual call.
TAGS = {SONNET: (22_000, 300, 4_300), HAIKU: (22_300, 300, 2_100)}
ANSWERS = {1: (15_500, 520, 5_900), 2: (14_000, 480, 5_200), 3: (10_500, 430, 4_600)}
DRAFTS = {1: (5_200, 860, 3_200), 2: (5_200, 930, 3_300)}


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a model for a ticket."""

    at: datetime
    prompt: str
    version: int
    model: str
    tokens: tuple[int, int]  # input, output
    milliseconds: int
    is_failed: bool


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket with its calls, and if its tag and its answer were right."""

    session: str
    day: date
    calls: tuple[Call, ...]
    has_right_tag: bool
    has_right_answer: bool


def sample_tickets(today: date) -> Iterator[Ticket]:
    """The tickets of workdays up to yesterday, always the same for a day."""
    dice = random.Random(23)  # noqa: S311 - a sample, not a secret
    for age in range(DAYS, 0, -1):
        day = today - timedelta(days=age)
        if day.weekday() < 5:
            for number in range(TICKETS_PER_DAY):
                yield _make_ticket(f"ticket-{day:%m%d}{number + 1:02}", today, day, dice)


def sample_ticket_records(today: date) -> Iterator[CostRecord]:
    """The calls of all tickets as records."""
    for ticket in sample_tickets(today):
        for call in ticket.calls:
            yield _make_record(ticket, call)


def _make_ticket(session: str, today: date, day: date, dice: random.Random) -> Ticket:
    age = (today - day).days
    at = datetime.combine(day, time(8), UTC) + timedelta(minutes=dice.randint(0, 600))
    tagger = HAIKU if age >= TRIED_UNTIL and dice.random() < 0.5 else SONNET
    planned = [(TAGGING, 2, tagger, TAGS[tagger])]
    if dice.random() < REFUND_CHANCE:
        version = 1 if age > REWRITTEN else 2 if age > SPLIT_SINCE else dice.choice((2, 3))
        planned += [(REFUNDS, version, SONNET, ANSWERS[version])] * (1 + (dice.random() < SECOND_CALL_CHANCE))
    draft = 1 if age > REPLIES_CHANGED else 2
    planned.append((REPLIES, draft, MINI, DRAFTS[draft]))
    calls = []
    for prompt, version, model, (read, written, milliseconds) in planned:
        tokens = round(read * dice.lognormvariate(0, 0.25)), round(written * dice.lognormvariate(0, 0.3))
        taken = round(milliseconds * dice.lognormvariate(0, 0.3))
        calls.append(Call(at, prompt, version, model, tokens, taken, dice.random() < FAILURE_CHANCE))
        at += timedelta(seconds=dice.randint(20, 200))
    return Ticket(session, day, tuple(calls), dice.random() < PASS_CHANCE, dice.random() < PASS_CHANCE)


def _make_record(ticket: Ticket, call: Call) -> CostRecord:
    read_usd, written_usd = PRICES[call.model]
    return CostRecord(
        provider=PROVIDERS[call.model],
        timestamp=call.at,
        model_name=call.model,
        cost_usd=(call.tokens[0] * read_usd + call.tokens[1] * written_usd) / MILLION,
        source_key=identity("sample", ticket.session, call.prompt, call.at),
        cost_basis="estimated",
        input_tokens=call.tokens[0],
        output_tokens=call.tokens[1],
        request_count=1,
        metadata={
            "sample": True,
            "session": ticket.session,
            "prompt_name": call.prompt,
            "prompt_version": str(call.version),
            "inference": {
                "duration_ms": call.milliseconds,
                "status": "error" if call.is_failed else "ok",
            },
        },
    )
