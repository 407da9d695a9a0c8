"""The first call that comes with a key."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from tally.api_keys.first_call import SeenCall, describe_call, find_first_call
from tally.storage.postgres import PostgresDatabase
from tally.telemetry.calls import Call
from tests.database_fixtures import Connection, Project
from tests.tally.telemetry.senders import Sender, add_key

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
FIRST = SeenCall(NOW + timedelta(minutes=2), "gpt-5", 1_000, 10, Decimal("0.00135"))


def call(minute: int, service: str) -> Call:
    return Call(
        NOW + timedelta(minutes=minute),
        provider="openai",
        model="gpt-5",
        input_tokens=1_000,
        output_tokens=10,
        has_usage=True,
        trace_id=f"{minute + 1:032x}",
        span_id=f"{minute + 1:016x}",
        service=service,
    )


def test_the_first_call_of_a_key_is_found_over_its_services_and_without_those_of_others(
    project: Project, database: Connection, user: UUID
) -> None:
    reader = PostgresDatabase(database, user)
    with project.connect("tally_api") as connection:
        mine, other = (Sender(connection, database, add_key(database, user, name=name)) for name in "ab")
        key = str(mine.grant.key_id)
        other.tell(call(1, "shop"))
        assert find_first_call(reader, key) is None
        mine.tell(call(3, "shop"), call(2, "bot"))
        assert find_first_call(reader, key) == FIRST


def test_a_call_is_told_with_its_tokens_and_its_cost() -> None:
    assert describe_call(FIRST) == "gpt-5: 1,000 tokens in, 10 out, $0.00135."
    unpriced = SeenCall(NOW, "mine", 0, 0, None)
    assert describe_call(unpriced) == "mine: 0 tokens in, 0 out, no known price."
