"""Sessions that logs and telemetry tell of: one channel counts, the one that saw more tokens."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.database.test_ranks import add_source
from tests.database.test_saving import record, save
from tests.database_fixtures import Connection, Project, add_user

Act = Callable[[UUID], Connection]
NAMES = UUID("2f0c7f0e-5c43-4c0e-8a54-5a3b9b6e2b10")
START = datetime(2026, 5, 1, 12, tzinfo=UTC)


def said(channel: str, number: int, tokens: int, session: str = "s1", **changes: Any) -> dict[str, Any]:
    """One request of a session, as its log or its telemetry tells it, some milliseconds apart."""
    late = timedelta(minutes=number, milliseconds=9 if channel == "otlp" else 0)
    return record(
        timestamp=(START + late).isoformat(),
        source_key=str(uuid5(NAMES, f"{channel} {session} {number}")),
        input_tokens=tokens,
        output_tokens=0,
        cost_usd=str(tokens),
        cost_basis="estimated",
        collection_method=channel,
        metadata={"channel": "codex", "session": session},
        **changes,
    )


def of_log(*numbers: int, **changes: Any) -> list[dict[str, Any]]:
    return [said("local_log", number, 10, **changes) for number in numbers]


def of_telemetry(*numbers: int, **changes: Any) -> list[dict[str, Any]]:
    return [said("otlp", number, 10, **changes) for number in numbers]


@pytest.fixture
def person(as_user: Act, user: UUID) -> Connection:
    """A signed-in user."""
    return as_user(user)


@pytest.fixture
def log(person: Connection) -> UUID:
    return add_source(person, "machine")


@pytest.fixture
def key(person: Connection) -> UUID:
    return add_source(person)


def counted(person: Connection) -> dict[str, int]:
    """Records by channel."""
    query = "select collection_method, count(*)::integer from public.cost_records group by 1"
    return dict(person.execute(query).fetchall())


def tables(person: Connection) -> tuple[int, int]:
    [found] = person.execute(
        "select (select count(*) from public.cost_records), (select count(*) from public.superseded_records)"
    ).fetchall()
    return found[0], found[1]


def test_the_channel_that_saw_more_counts_and_the_log_of_two_equals(
    person: Connection, log: UUID, key: UUID
) -> None:
    assert save(person, of_telemetry(1, 2), key)["inserted"] == 2
    assert counted(person) == {"otlp": 2}
    assert save(person, of_log(1), log)["inserted"] == 1
    assert counted(person) == {"otlp": 2}
    save(person, of_log(2), log)
    assert counted(person) == {"local_log": 2}
    save(person, of_telemetry(3), key)
    assert counted(person) == {"otlp": 3}
    assert tables(person) == (3, 2)


def test_saving_again_changes_nothing(person: Connection, log: UUID, key: UUID) -> None:
    for _ in range(2):
        answers = [save(person, of_telemetry(1, 2), key), save(person, of_log(1, 2), log)]
        assert (counted(person), tables(person)) == ({"local_log": 2}, (2, 2))
    assert [answer["inserted"] for answer in answers] == [0, 0]
    assert [answer["duplicate"] for answer in answers] == [2, 2]


def test_sessions_without_the_other_channel_count_whole(person: Connection, log: UUID, key: UUID) -> None:
    save(person, of_telemetry(1, session="a") + of_telemetry(1, 2, session="b"), key)
    save(person, of_log(1, session="b") + of_log(1, session="c"), log)
    assert counted(person) == {"otlp": 3, "local_log": 1}


def test_requests_without_a_session_or_of_other_agents_are_left_alone(
    person: Connection, log: UUID, key: UUID
) -> None:
    for metadata in ({"channel": "codex"}, {"session": "s1"}, {"channel": "codex", "session": ""}):
        number = len(metadata) * 7 + len(str(metadata))
        save(person, [said("otlp", number, 10) | {"metadata": metadata}], key)
        save(person, [said("local_log", number, 50) | {"metadata": metadata}], log)
    save(person, [said("otlp", 90, 1) | {"metadata": {"channel": "gemini-cli", "session": "s1"}}], key)
    save(person, [said("local_log", 91, 5)], log)
    assert tables(person) == (8, 0)


def test_an_excluded_or_deleted_source_gives_the_session_to_the_other(
    person: Connection, log: UUID, key: UUID
) -> None:
    save(person, of_telemetry(1, 2), key)
    save(person, of_log(1, 2, 3), log)
    assert counted(person) == {"local_log": 3}
    person.execute("select public.set_source_enabled(%s, false)", [log])
    assert counted(person) == {"otlp": 2}
    save(person, of_log(4, 5), log)
    save(person, of_telemetry(4), key)
    assert counted(person) == {"otlp": 3}
    person.execute("select public.set_source_enabled(%s, true)", [log])
    assert counted(person) == {"local_log": 5}
    person.execute("select public.delete_source(%s)", [log])
    assert (counted(person), tables(person)) == ({"otlp": 3}, (3, 0))


def test_a_log_that_two_machines_have_is_not_twice_as_full(person: Connection, key: UUID) -> None:
    for _ in range(2):
        save(person, of_log(1, 2), add_source(person, "machine"))
    save(person, of_telemetry(1, 2, 3), key)
    assert counted(person) == {"otlp": 3}


def test_records_that_a_person_deletes_or_edits_are_compared(
    person: Connection, log: UUID, key: UUID
) -> None:
    save(person, of_telemetry(1, 2), key)
    save(person, of_log(1, 2), log)
    person.execute("delete from public.cost_records where timestamp = %s", [START + timedelta(minutes=2)])
    assert counted(person) == {"otlp": 2}
    save(person, of_log(2, 3), log)
    assert counted(person) == {"local_log": 3}


def test_a_plan_pays_for_what_counts_and_what_does_not(person: Connection, log: UUID, key: UUID) -> None:
    save(person, of_telemetry(1, 2, billing_account="openai"), key)
    save(person, of_log(1, billing_account="openai"), log)
    for source in (key, log):
        person.execute("select public.set_paid_by_plan(%s, true)", [source])
    save(person, of_log(2, 3, billing_account="openai"), log)
    bases = "select cost_basis, count(*)::integer from public.cost_records group by 1 order by 1"
    assert person.execute(bases).fetchall() == [("estimated", 2), ("included", 1)]


def test_a_month_that_was_away_keeps_its_session(person: Connection, database: Connection, log: UUID) -> None:
    key = add_source(person)
    save(person, of_log(1, 2), log)
    database.execute("select public.detach_partition(2026, 5)")
    person.execute("select public.delete_source(%s)", [log])
    database.execute("select public.attach_partition(2026, 5)")
    save(person, of_telemetry(1), key)
    assert (counted(person), tables(person)) == ({"otlp": 1}, (1, 0))


def test_deleting_a_workspace_leaves_no_session(
    person: Connection, database: Connection, user: UUID, key: UUID
) -> None:
    save(person, of_telemetry(1), key)
    database.execute("delete from auth.users where id = %s", [user])
    assert database.execute("select count(*) from private.session_channels").fetchone() == (0,)


def assert_sums(database: Connection) -> None:
    """The kept sums are those of the statements."""
    found = """
        select workspace_id, private.session_of(metadata), import_id, collection_method,
            sum(tokens_used), count(*)
        from (
            select r.workspace_id, r.metadata, r.import_id, r.collection_method, r.tokens_used
            from public.cost_records as r
            union all
            select s.workspace_id, s.metadata, s.import_id, s.collection_method, s.tokens_used
            from public.superseded_records as s
        ) as s
        group by 1, 2, 3, 4 order by 1, 2, 3, 4"""
    kept = """
        select workspace_id, session, import_id, collection_method, tokens, records
        from private.session_channels where not is_due order by 1, 2, 3, 4"""
    assert database.execute(kept).fetchall() == database.execute(found).fetchall()


# Batches: the source (two logs, two keys), and requests with tokens.
BATCH = st.tuples(
    st.integers(0, 3), st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), min_size=1, max_size=4)
)


@given(
    batches=st.lists(BATCH, min_size=2, max_size=6),
    order=st.randoms(use_true_random=False),
    gone=st.integers(0, 3),
)
@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_order_and_deletion_leave_what_the_fuller_channel_says(
    project: Project, batches: list[tuple[int, list[tuple[int, int]]]], order: Any, gone: int
) -> None:
    # One source tells one number of tokens of a request, whenever it does.
    told: dict[tuple[int, int], int] = {}
    sent = [
        (source, [(number, told.setdefault((source // 2, number), tokens)) for number, tokens in requests])
        for source, requests in batches
    ]
    shuffled = order.sample(sent, len(sent))
    with ExitStack() as opened:
        database = opened.enter_context(project.connect())

        def outcome(parts: Sequence[Any], deleted: int | None = None) -> Any:
            person = opened.enter_context(project.act_as("authenticated", add_user(database)))
            sources = [add_source(person, kind) for kind in ("machine", "machine", "key", "key")]
            for source, requests in parts:
                channel = "local_log" if source < 2 else "otlp"
                save(person, [said(channel, *one) for one in dict(requests).items()], sources[source])
            if deleted is not None:
                person.execute("select public.delete_source(%s)", [sources[deleted]])
            return person.execute(
                "select collection_method, timestamp, tokens_used from public.cost_records order by 2"
            ).fetchall()

        assert outcome(shuffled) == outcome(sent)
        assert outcome(shuffled, gone) == outcome([part for part in sent if part[0] != gone])
        assert_sums(database)
