"""The analytics engine with 100M records: Explore for one workspace of 1M, and the whole installation by day.

ClickHouse runs in this process. The records are made in it: 100 workspaces with as many records of 90 days,
as coding agents' logs tell them. The baseline of a question is the plain sum of the same records; beside it
are the milliseconds that an answer may take, which are for a machine with nothing else to do. Postgres' part
of a question, its check, is not in it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from bench.measurement import Measurement, Options, interleaved
from tally.analytics.client import create_tables, open_engine
from tally.analytics.exploration import Question
from tally.analytics.exploring import explore_costs

DAYS, REPEATS, WARM_UP = 90, 5, 1
RECORDS, EACH = 100_000_000, 1_000_000
EXPLORE_SECONDS, BY_DAY_SECONDS = 0.3, 2.0
BASELINE_BAR = 25.0
PROVIDER = UUID(int=7)
GROUPINGS = (("branch", "model"), ("session", "agent"), ("repository", "branch"), ("tag", "source"))
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
LAST = TODAY + timedelta(days=1)
FIRST = LAST - timedelta(days=DAYS)

# Sessions of 50 requests with one model each, in time order.
ADD = """
insert into records (
    workspace_id, timestamp, source_key, id, user_id, provider_id, model_name, cost_basis, charge_type,
    cost_usd, tokens_used, input_tokens, output_tokens, cached_input_tokens, request_count,
    money_is_effective, tokens_are_effective, has_request_id, agent, session, repository, branch, tags, version
)
select
    {workspace:UUID},
    addMicroseconds({first:DateTime64(6, 'UTC')}, toInt64(number * 7776000000000 / {each:UInt64})),
    generateUUIDv4(1), generateUUIDv4(2), {workspace:UUID}, {provider:UUID},
    'model-' || toString(intDiv(number, 50) % 30), if(number % 3 = 0, 'included', 'estimated'), 'usage',
    toDecimal64(number % 9973 / 1e5, 10), number % 5700, number % 5000, number % 700,
    intDiv(number % 5000, 2), 1, 1, 1, 1, if(intDiv(number, 50) % 3 = 0, 'codex', 'claude-code'),
    hex(MD5(toString(intDiv(number, 50)))), 'github.com/acme/' || toString(intDiv(number, 50) % 13),
    'feature-' || toString(intDiv(number, 500) % 40), ['team-' || toString(number % 5)], 1
from numbers({each:UInt64})"""
PLAIN = """
select count(), sum(cost_usd), sum(request_count) from records final
where workspace_id = {workspace:UUID} and timestamp >= {first:DateTime64(6, 'UTC')}"""
BY_DAY = """
select utc_day, count(), sumIf(cost_usd, money_is_effective = 1) from records final group by utc_day"""


def measure(options: Options) -> Iterator[Measurement]:
    """Measure questions about one workspace, and the whole installation by day."""
    workspaces = [UUID(int=n + 1) for n in range(max(options.scaled(RECORDS) // EACH, 2))]
    each = min(EACH, options.scaled(RECORDS))
    with TemporaryDirectory(prefix="tally-engine-") as folder:
        client = open_engine(f"chdb://{folder}")
        try:
            create_tables(client)
            for workspace in workspaces:
                given = {"workspace": workspace, "first": _instant(FIRST), "each": each, "provider": PROVIDER}
                client.command(ADD, given)
            chosen = workspaces[len(workspaces) // 2]
            name = f"{len(workspaces) * each / 1e6:g}M records"
            yield from _measure_questions(client, chosen, each, name)
            by_day = partial(client.query, BY_DAY)
            taken = interleaved({"": by_day}, REPEATS, WARM_UP)[""]
            yield _limit(f"{name} by day, the whole installation", taken, BY_DAY_SECONDS)
        finally:
            client.close()


def _measure_questions(client: Any, workspace: UUID, each: int, name: str) -> Iterator[Measurement]:
    given = {"workspace": workspace, "first": _instant(FIRST)}
    plain = partial(client.query, PLAIN, given)
    for by in GROUPINGS:
        asked = partial(_explore, client, make_question(workspace, by), each)
        taken = interleaved({"asked": asked, "plain": plain}, REPEATS, WARM_UP)
        title = f"explore 1M of {name} by {' and '.join(by)}"
        value, against = taken["asked"], taken["plain"]
        yield Measurement(
            f"{title}, against plain", value * 1000, "ms", against * 1000, value / against, BASELINE_BAR
        )
        yield _limit(title, value, EXPLORE_SECONDS)


def make_question(workspace: UUID, by: tuple[str, ...]) -> Question:
    """A question by day of who may read all of a workspace."""
    days = [FIRST + timedelta(days=n) for n in range(DAYS)]
    labels = [day.date().isoformat() for day in days]
    rights = {
        "tenant": str(workspace),
        "caller": str(workspace),
        "only_own": None,
        "hidden": [],
        "first_at": FIRST.isoformat(),
        "last_at": LAST.isoformat(),
        "is_of_days": False,
        "told": [],
        "times": {
            "starts": [int(day.timestamp()) for day in days],
            "days": labels,
            "labels": labels,
            "rates": ["1"] * DAYS,
        },
        "providers": {str(PROVIDER): "anthropic"},
    }
    return Question.read({"measure": "spend", "by": by, "granularity": "day", "top_n": 6}, rights)


def _explore(client: Any, question: Question, each: int) -> None:
    answer = explore_costs(client, question)
    assert answer["total"]["records"] >= each
    assert answer["parts"]


def _limit(name: str, value: float, most_seconds: float) -> Measurement:
    return Measurement(name, value * 1000, "ms", most_seconds * 1000, value / most_seconds, 1.0)


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")
