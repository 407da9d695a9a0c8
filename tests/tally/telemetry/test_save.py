"""Telemetry in a real database: each call once, over requests, instruments, services and processes."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise, permutations
from typing import Any
from uuid import UUID

import pytest

from tally.agents.events import Event
from tally.agents.payment import Payment
from tally.agents.records import make_record
from tally.agents.source import add_source, find_source
from tally.ledger.save import save_records
from tally.storage.database import DatabaseError, NotAllowed
from tally.storage.postgres import PostgresDatabase
from tally.telemetry.calls import Call
from tally.telemetry.known_calls import pack_call, unpack_call
from tally.telemetry.save import Sent, save_telemetry
from tally.telemetry.signals import Span
from tally.telemetry.vocabularies.langfuse_batch import read_batch
from tests.database.teams import make_team, race
from tests.database_fixtures import Connection, Project, add_user
from tests.every_case import every_case
from tests.tally.telemetry import captures
from tests.tally.telemetry.senders import Sender, add_key
from tests.tally.telemetry.test_captures import OTLP

ROLE = "tally_api"
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
TRACE = "0af7651916cd43dd8448eb211c80319c"
OUTER, MIDDLE, INNER = "00f067aa0ba902b1", "00f067aa0ba902b2", "00f067aa0ba902b3"


def call(span_id: str, parent: str = "", tokens: int = 10, **facts: Any) -> Call:
    usual: dict[str, Any] = {
        "provider": "openai",
        "model": "gpt-5",
        "trace_id": TRACE,
        "has_usage": True,
        "service": "shop",
    }
    return Call(NOW, span_id=span_id, parent_span_id=parent, input_tokens=tokens, **usual | facts)


def step(span_id: str, parent: str, **attributes: str) -> Span:
    """A span that is no call."""
    late = NOW + timedelta(seconds=1)
    return Span(TRACE, span_id, parent, "work", 1, NOW, late, "ok", "", "app", {**attributes}, {})


@pytest.fixture
def sender(project: Project, database: Connection, user: UUID) -> Iterator[Sender]:
    """A program of a user."""
    with project.connect(ROLE) as connection:
        yield Sender(connection, database, add_key(database, user))


@pytest.fixture
def open_sender(project: Project, database: Connection) -> Iterator[Callable[[], Sender]]:
    """Further programs, each of a new user."""
    with ExitStack() as opened:
        yield lambda: Sender(
            opened.enter_context(project.connect(ROLE)), database, add_key(database, add_user(database))
        )


def tokens(sender: Sender) -> list[int]:
    """Input tokens of the records."""
    return sorted(record[2] for record in sender.records())


def served(name: str) -> list[tuple[int, int, Decimal | None]]:
    """Input, output and cost of a capture's calls, as they were worked out by hand."""
    return sorted(
        (each["input"], each["output"], each["cost_usd"] and Decimal(each["cost_usd"]))
        for each in captures.expected(name)["calls"]
    )


@pytest.mark.parametrize("name", captures.NAMES)
def test_requests_one_by_one_make_the_records_of_a_capture(sender: Sender, name: str) -> None:
    requests = captures.load(name)
    for request in [*requests[::-1], *requests]:
        sender.send(request)
    found = sorted((record[2], record[3], record[7]) for record in sender.records())
    assert found == served(name)


@pytest.mark.parametrize("is_file_first", [True, False])
@pytest.mark.parametrize("name", OTLP)
def test_file_of_what_was_sent_adds_nothing(sender: Sender, name: str, is_file_first: bool) -> None:
    requests = captures.load(name)
    owner = PostgresDatabase(sender.connection, sender.grant.user_id)
    source = owner.insert("imports", {"filename": "f", "format": "otlp", "file_sha256": "0" * 64})
    if not is_file_first:
        sender.send(*requests)
    assert not save_records(owner, captures.in_file(requests), source["id"]).rejected
    if is_file_first:
        sender.send(*requests)
    assert sorted((record[2], record[3], record[7]) for record in sender.records()) == served(name)


def collect(sender: Sender, agent: str, calls: list[Call]) -> None:
    """Save what the logs of an agent say of the same calls, milliseconds apart, with its own ids."""
    account = PostgresDatabase(sender.connection, sender.grant.user_id)
    machine = find_source(account, agent, "laptop") or add_source(account, agent, "laptop")
    events = [
        Event(
            f"{'msg' if each.request_ids else 'line'}_{each.timestamp}",
            each.timestamp + timedelta(milliseconds=9),
            each.provider,
            each.model,
            *(each.input_tokens, each.output_tokens, each.cached_input_tokens, each.cache_write_tokens),
            session=each.session,
            request_id=f"msg_{each.timestamp}" if each.request_ids else "",
            other_ids=each.request_ids,
        )
        for each in calls
    ]
    records = [make_record(agent, event, Payment("api")) for event in events]
    assert not save_records(account, records, machine["id"]).rejected


@pytest.mark.parametrize("is_log_first", [True, False])
@pytest.mark.parametrize(
    ("name", "agent"),
    [
        ("claude-code-json", "claude-code"),
        ("claude-code-proto-traces", "claude-code"),
        ("codex-binary", "codex"),
        ("gemini-http", "gemini-cli"),
    ],
)
def test_telemetry_and_logs_of_one_session_count_each_call_once(
    sender: Sender, name: str, agent: str, is_log_first: bool
) -> None:
    requests = captures.load(name)
    chosen = captures.choose(requests).counted
    assert all(each.session for each in chosen)
    for _ in range(2):
        if is_log_first:
            collect(sender, agent, chosen)
        sender.send(*requests)
        collect(sender, agent, chosen)
        assert sorted((record[2], record[3]) for record in sender.records()) == [
            (tokens, output) for tokens, output, _ in served(name)
        ]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_log_of_a_call_that_two_instruments_tell_is_the_same_call(
    sender: Sender, order: tuple[int, ...]
) -> None:
    """Only the instrument around it knows the id by which the agent's log names the call."""
    facts: dict[str, Any] = {"provider": "anthropic", "model": "claude-sonnet-4-5", "output_tokens": 5}
    outer, inner = call(OUTER, request_ids=("msg_00000001",), **facts), call(INNER, OUTER, **facts)
    told = [
        lambda: sender.tell(outer),
        lambda: sender.tell(inner),
        lambda: collect(sender, "claude-code", [outer]),
    ]
    for each in order:
        told[each]()
    assert tokens(sender) == [10]


def test_a_call_inside_takes_back_the_one_around_it(sender: Sender) -> None:
    sender.tell(call(OUTER, tokens=30))
    assert tokens(sender) == [30]
    sender.tell(spans=[step(MIDDLE, OUTER)])
    sender.tell(call(INNER, MIDDLE, tokens=20))
    assert tokens(sender) == [20]
    sender.tell(call(OUTER, tokens=30))
    assert tokens(sender) == [20]


def test_the_step_between_may_come_last(sender: Sender) -> None:
    sender.tell(call(INNER, MIDDLE, tokens=20))
    sender.tell(call(OUTER, tokens=30))
    assert tokens(sender) == [20, 30]
    sender.tell(spans=[step(MIDDLE, OUTER)])
    assert tokens(sender) == [20]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_agent_and_tool_around_a_call_are_its_own_whenever_they_arrive(
    sender: Sender, order: tuple[int, ...]
) -> None:
    facts: dict[str, Any] = {"provider": "anthropic", "model": "claude-sonnet-4-5"}
    told = [
        Sent(
            sender.grant, [], [step(OUTER, "", **{"gen_ai.agent.name": "researcher", "task.name": "report"})]
        ),
        Sent(sender.grant, [], [step(MIDDLE, OUTER, **{"gen_ai.tool.name": "search"})]),
        Sent(sender.grant, [call(INNER, MIDDLE, tokens=1_000, **facts)]),
    ]
    for place in [*order, *order]:
        sender.save(told[place])
    [record] = sender.records()
    assert record[2:] == (1_000, 0, 0, 0, 0, Decimal("0.003"), "researcher", "search", "report")
    superseded = "select count(*) from public.superseded_records"
    assert sender.database.execute(superseded).fetchone() == (0,)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_agent_and_tool_of_langfuse_name_the_call_inside_whenever_they_arrive(
    sender: Sender, order: tuple[int, ...]
) -> None:
    """Each in a batch of its own."""
    model = {"model": "claude-sonnet-4-5", "usageDetails": {"input": 1_000, "output": 0}}
    events: list[dict[str, Any]] = [
        {"type": "agent-create", "body": {"id": "a", "name": "researcher"}},
        {"type": "tool-create", "body": {"id": "o", "name": "search", "parentObservationId": "a"}},
        {"type": "generation-create", "body": {"id": "g", "parentObservationId": "o"} | model},
    ]
    for each in events:
        each |= {"id": each["type"], "timestamp": "2026-11-20T10:00:00Z"}
        each["body"]["traceId"] = "t"
    batches = [read_batch(json.dumps({"batch": [each]}).encode()) for each in events]
    for place in [*order, *order]:
        batch = batches[place]
        sender.save(Sent(sender.grant, batch.calls, parents=batch.parents, steps=batch.steps))
    [record] = sender.records()
    assert record[2:] == (1_000, 0, 0, 0, 0, Decimal("0.003"), "researcher", "search", None)


def test_price_of_the_workspace_stays_when_the_agent_becomes_known(sender: Sender) -> None:
    sender.database.execute(
        """insert into public.model_prices
            (workspace_id, provider_id, model_name, user_id, input_usd_per_mtok, output_usd_per_mtok,
                replaces_list)
        select %(user)s, p.id, 'gpt-5', %(user)s, 7, 7, true
        from public.providers as p where p.name = 'openai'""",
        {"user": sender.grant.user_id},
    )
    sender.tell(call(INNER, OUTER, tokens=1_000))
    for _ in range(2):
        assert [record[7] for record in sender.records()] == [Decimal("0.007")]
        sender.tell(spans=[step(OUTER, "", **{"gen_ai.agent.name": "researcher"})])
    assert [record[8] for record in sender.records()] == ["researcher"]


def test_source_that_knows_no_agent_has_that_of_the_call(sender: Sender) -> None:
    gateway = call(INNER, request_ids=("msg_1",), tokens=30, service="gateway", trace_id="a" * 32)
    sender.tell(gateway)
    app = call(MIDDLE, OUTER, request_ids=("msg_1",), tokens=30)
    sender.tell(app, spans=[step(OUTER, "", **{"gen_ai.agent.name": "researcher"})])
    agents = """select metadata ->> 'agent' from public.cost_records
        union all select metadata ->> 'agent' from public.superseded_records"""
    assert sender.database.execute(agents).fetchall() == [("researcher",), ("researcher",)]


def test_record_that_has_no_room_for_the_names_stays_as_it_is(sender: Sender) -> None:
    tags = {f"{number:0100}": "é" * 100 for number in range(20)}
    sender.tell(call(INNER, OUTER, tags=tags))
    long = "\N{MUSICAL SYMBOL G CLEF}" * 200
    names = {"gen_ai.agent.name": long, "gen_ai.tool.name": long, "task.name": long}
    sender.tell(spans=[step(OUTER, "", **names)])
    assert [record[2:] for record in sender.records()] == [
        (10, 0, 0, 0, 0, Decimal("0.0000125"), None, None, None)
    ]


def test_long_line_of_steps_is_kept_in_rows(sender: Sender) -> None:
    ids = [f"{number:016x}" for number in range(1, 1_000)]
    steps = [step(own, outer) for own, outer in pairwise(ids)]
    sender.tell(spans=[*steps, step(ids[-1], "", **{"gen_ai.agent.name": "é" * 200})])
    sender.tell(call("ff" * 8, ids[0]))
    assert [record[8] for record in sender.records()] == ["é" * 200]


def test_each_of_two_services_keeps_its_statement_on_a_request(sender: Sender) -> None:
    app = call(OUTER, request_ids=("msg_1",), tokens=30)
    gateway = call(INNER, request_ids=("msg_1", "req_1"), tokens=30, service="gateway", trace_id="a" * 32)
    sender.tell(app)
    sender.tell(gateway)
    assert tokens(sender) == [30]
    kept = "select count(*) from public.superseded_records"
    assert sender.database.execute(kept).fetchone() == (1,)
    [[winner]] = sender.database.execute("select import_id from public.cost_records").fetchall()
    sender.database.execute("delete from public.imports where id = %s", [winner])
    assert tokens(sender) == [30]


def test_calls_of_other_services_and_keys_are_taken_back(
    project: Project, database: Connection, open_sender: Callable[[], Sender]
) -> None:
    team = make_team(project, database, "ann", "bob")
    program = open_sender()
    ann, bob = (
        Sender(program.connection, database, add_key(database, team[name].id, team.id))
        for name in ("ann", "bob")
    )
    ann.tell(call(OUTER, tokens=30))
    bob.tell(call(INNER, OUTER, tokens=20, service="gateway"))
    assert tokens(ann) == [20]
    both = [Sent(ann.grant, [call(MIDDLE, tokens=1)]), Sent(bob.grant, [call("ff" * 8, MIDDLE, tokens=2)])]
    assert [outcome.error for outcome in save_telemetry(program.connection, both)] == [None, None]
    assert tokens(ann) == [2, 20]
    owners = database.execute("select distinct user_id from public.cost_records").fetchall()
    assert owners == [(team["bob"].id,)]


def test_a_request_without_the_right_leaves_the_others(
    project: Project, database: Connection, open_sender: Callable[[], Sender]
) -> None:
    team = make_team(project, database, "owner", "ann", "bob")
    program = open_sender()
    grants = [add_key(database, team[name].id, team.id) for name in ("bob", "ann")]
    leave = "delete from public.members where workspace_id = %s and user_id = %s"
    database.execute(leave, [team.id, team["bob"].id])
    sent = [Sent(grant, [call(span)]) for grant, span in zip(grants, (OUTER, INNER), strict=True)]
    gone, saved = save_telemetry(program.connection, sent)
    assert isinstance(gone.error, DatabaseError)
    assert saved.error is None
    assert database.execute("select count(*) from public.cost_records").fetchone() == (1,)
    [refused] = save_telemetry(program.connection, sent[:1])
    assert isinstance(refused.error, NotAllowed)


def test_a_refused_call_is_told_and_the_rest_is_saved(sender: Sender) -> None:
    [outcome] = sender.save(Sent(sender.grant, [call(OUTER, provider="nobody-knows"), call(INNER)]))
    assert outcome.rejected == ['Unknown provider "nobody-knows".']
    assert tokens(sender) == [10]


def test_two_processes_at_once_make_the_same_records(
    project: Project, database: Connection, user: UUID
) -> None:
    grant = add_key(database, user)
    spans = [f"{number:016x}" for number in range(1, 13)]
    line = [
        call(own, parent, tokens=n)
        for n, (own, parent) in enumerate(zip(spans, ["", *spans], strict=False), 1)
    ]
    with ExitStack() as opened:
        first, second = (
            Sender(opened.enter_context(project.connect(ROLE)), database, grant) for _ in range(2)
        )

        def send(sender: Sender, calls: list[Call]) -> None:
            for each in calls:
                sender.tell(each)

        outcomes = race(lambda: send(first, line), lambda: send(second, line[::-1]))
        assert outcomes == [None, None]
        assert tokens(first) == [12]
        assert database.execute("select count(*) from public.imports").fetchone() == (1,)


def test_a_source_goes_on_with_the_key_that_replaces_its_own(sender: Sender) -> None:
    sender.tell(call(OUTER), call(INNER, service="\x07 "))
    successor = add_key(sender.database, sender.grant.user_id)
    sender.database.execute(
        "update public.api_keys set successor_id = %s where id = %s", [successor.key_id, sender.grant.key_id]
    )
    replace(sender, grant=successor).tell(call(MIDDLE), call("ff" * 8, service="other"))
    found = (
        "select filename, format, rows_read, rows_imported from public.imports where kind = 'key' order by 1"
    )
    assert sender.database.execute(found).fetchall() == [
        ("other", "telemetry", 1, 1),
        ("shop", "telemetry", 2, 2),
        ("\N{REPLACEMENT CHARACTER}", "telemetry", 1, 1),
    ]


def test_made_up_services_share_a_source(sender: Sender) -> None:
    sender.database.execute(
        """insert into public.imports (workspace_id, user_id, kind, filename, format, api_key_id)
        select %(user)s, %(user)s, 'key', 'pod ' || n, 'telemetry', %(key)s
        from generate_series(1, 99) as n""",
        {"user": sender.grant.user_id, "key": sender.grant.key_id},
    )
    sender.tell(*(call(f"{number:016x}", service=f"made up {number}") for number in range(1, 4)))
    named = "select filename, rows_imported from public.imports where filename not like 'pod %' order by 1"
    assert sender.database.execute(named).fetchall() == [("Other services", 2), ("made up 1", 1)]


def test_a_source_that_a_plan_pays_for_adds_nothing_to_spend(sender: Sender, as_user: Any) -> None:
    sender.tell(call(OUTER, provider="anthropic", model="claude-sonnet-4-5", service="claude-code"))
    person = as_user(sender.grant.user_id)
    person.execute("select public.set_paid_by_plan((select id from public.imports), true)")
    sender.tell(call(INNER, provider="anthropic", model="claude-sonnet-4-5", service="claude-code"))
    bases = "select distinct cost_basis from public.cost_records"
    assert person.execute(bases).fetchall() == [("included",)]


def test_a_deleted_source_is_not_known_any_more(sender: Sender) -> None:
    sender.tell(call(INNER, OUTER, tokens=20))
    sender.database.execute("delete from public.imports")
    sender.tell(call(OUTER, tokens=30))
    assert tokens(sender) == [30]


def test_what_nothing_was_heard_of_for_two_days_is_forgotten(sender: Sender) -> None:
    sender.tell(call(OUTER), call(INNER, MIDDLE), spans=[step(MIDDLE, OUTER)])
    counts = """select (select count(*) from private.telemetry_calls),
        (select count(*) from private.telemetry_links)"""
    for age, expected in (("47 hours", (2, 1)), ("49 hours", (0, 0))):
        for table in ("calls", "links"):
            sender.database.execute(
                f"update private.telemetry_{table} set seen_at = now() - %s::interval".encode(), [age]
            )
        sender.database.execute("select private.forget_telemetry()")
        assert sender.database.execute(counts).fetchone() == expected


@every_case([(name,) for name in captures.NAMES])
def test_kept_calls_are_the_same(name: str) -> None:
    for each in captures.read(captures.load(name)).calls:
        assert unpack_call(pack_call(each)) == each
