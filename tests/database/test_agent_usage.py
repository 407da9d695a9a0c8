"""Usage of agents: plain sums of what the caller may read, by day, hour, model, place and session."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.database.teams import COLLEAGUES, Team, make_team
from tests.database.test_saving import record
from tests.database_fixtures import Connection, Project

ZONE = ZoneInfo("Asia/Kathmandu")  # 5:45 from UTC: its hours begin within those of UTC
FUNCTIONS = ("agent_days", "agent_models", "agent_places", "agent_sessions")
AGENTS = ["claude-code", "codex"]
MAY = (date(2026, 5, 1), date(2026, 5, 31))
ROWS = """
select r.user_id, r.project_id, r.timestamp, r.day, p.name, r.model_name, r.cost_basis, r.cost_usd,
    r.tokens_used, r.input_tokens, r.cached_input_tokens, r.cache_write_tokens, r.request_count, r.metadata
from public.effective_records as r
inner join public.providers as p on r.provider_id = p.id
where r.workspace_id = %s and r.charge_type = 'usage'"""


@dataclass(frozen=True)
class Line:
    """An effective record of the workspace."""

    user: UUID
    project: UUID | None
    at: datetime
    whole_day: date | None
    provider: str
    model: str
    basis: str
    cost: Decimal | None
    tokens: int
    input: int
    cached: int
    written: int
    requests: int
    metadata: dict[str, Any]

    def named(self, *keys: str) -> str | None:
        """The first filled value of the metadata under these keys."""
        found = (str(self.metadata.get(key) or "").strip() for key in keys)
        return next(filter(None, found), None)

    @property
    def local(self) -> datetime:
        return self.at.astimezone(ZONE)

    @property
    def agent(self) -> str | None:
        return self.named("agent")

    @property
    def session(self) -> str | None:
        return self.named("session", "session_id")

    @property
    def money(self) -> list[Any]:
        """Paid, included by plans, and the number of records without a price."""
        included = self.basis == "included"
        cost = self.cost or Decimal(0)
        return [Decimal(0) if included else cost, cost if included else Decimal(0), int(self.cost is None)]


@dataclass(frozen=True)
class Scene:
    """A workspace with usage of three people, in projects of which one is private."""

    database: Connection
    team: Team
    projects: dict[str, UUID]

    def ask(self, reader: str, function: str, days: tuple[date, date] = MAY, **named: Any) -> Any:
        """The answer of a function to a person; lists of text go as arrays."""
        agents = named.pop("agents", AGENTS)
        row = self.team[reader].connection.execute(
            f"select public.{function}(%s, %s, %s, %s, person => %s)".encode(),
            [self.team.id, agents, *days, named.pop("person", None)],
        )
        return row.fetchall()[0][0]

    def read(self, reader: str, split: str, days: tuple[date, date], **asked: Any) -> list[Line]:
        """The records that the reader may see, of these agents and this person."""
        me, is_admin = self.team[reader].id, reader in ("owner", "admin")
        agents, person = asked["agents"], asked["person"]
        lines = [Line(*row) for row in self.database.execute(ROWS, [self.team.id])]
        return [
            line
            for line in lines
            if days[0] <= line.local.date() <= days[1]
            and (
                is_admin
                or line.user == me
                or (split == "everyone" and line.project != self.projects["secret"])
            )
            and (agents is None or line.agent in agents)
            and (person is None or line.user == person)
        ]


@pytest.fixture
def scene(project: Project, database: Connection) -> Scene:
    team = make_team(project, database, *COLLEAGUES)
    admin = team["admin"]
    projects = {"web": admin.add_project("web"), "secret": admin.add_project("secret", is_private=True)}
    database.execute("update public.workspaces set timezone = %s where id = %s", [ZONE.key, team.id])
    chance = random.Random(11)
    for name in ("ann", "bob", "admin"):
        team[name].save(None, *make_records(chance))
        found = database.execute("select id from public.cost_records where user_id = %s", [team[name].id])
        ids = [key for (key,) in found]
        database.execute(
            """update public.cost_records as r set project_id = c.project_id, project_chosen_by = 'person'
            from unnest(%s::uuid[], %s::uuid[]) as c (id, project_id)
            where r.id = c.id""",
            [ids, [chance.choice([None, *projects.values()]) for _ in ids]],
        )
    return Scene(database, team, projects)


def make_records(chance: random.Random) -> Iterator[dict[str, Any]]:
    choices: dict[str, list[Any]] = {
        "agent": ["claude-code", "codex", " codex ", "support-bot", ""],
        "session": ["s1", "s2", "s3", ""],
        "session_id": ["s2", "s4"],
        "repository": ["shop", "docs", "tools"],
        "branch": ["main", "fix", "b1", "b2", "b3", "b4"],
        "cache_write_1h_tokens": [0, 3, 10**9, "7"],
    }
    for _ in range(60):
        basis = chance.choice(["billed", "estimated", "included"])
        tokens = chance.randint(0, 100)
        at = datetime(2026, 5, chance.randint(1, 20), chance.randrange(24), chance.randrange(60), tzinfo=UTC)
        yield record(
            timestamp=at.isoformat(),
            model_name=chance.choice(["opus", "sonnet"]),
            cost_usd=None if basis != "billed" and chance.random() < 0.2 else f"{chance.randint(0, 9)}.5",
            cost_basis=basis,
            collection_method="local_log",
            input_tokens=tokens,
            cached_input_tokens=tokens // 2,
            cache_write_tokens=tokens // 4,
            tokens_used=tokens + 5,
            request_count=1,
            metadata={key: chance.choice(of) for key, of in choices.items() if chance.random() < 0.8},
        )


Sums = dict[Any, list[Any]]


def add_up(lines: list[Line], key: Callable[[Line], Any]) -> Sums:
    """Plain sums of money and requests by key."""
    sums: Sums = defaultdict(lambda: [Decimal(0), Decimal(0), 0, 0])
    for line in lines:
        found = sums[key(line)]
        for place, added in enumerate([*line.money, line.requests]):
            found[place] += added
    return dict(sums)


def money_of(row: dict[str, Any]) -> list[Any]:
    return [Decimal(row["cost_usd"]), Decimal(row["included_usd"]), row["unpriced"], row["requests"]]


def without_unpriced(sums: Sums) -> Sums:
    return {key: [*found[:2], found[3]] for key, found in sums.items()}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_answers_are_the_plain_sums_of_what_the_caller_may_read(scene: Scene, data: st.DataObject) -> None:
    split = data.draw(st.sampled_from(["own", "admins", "everyone"]))
    reader = data.draw(st.sampled_from(COLLEAGUES))
    first, last = sorted(data.draw(st.lists(st.integers(1, 22), min_size=2, max_size=2)))
    days = (date(2026, 5, first), date(2026, 5, last))
    asked = {
        "agents": data.draw(st.sampled_from([None, AGENTS, ["codex"]])),
        "person": data.draw(st.sampled_from([None, scene.team["ann"].id])),
    }
    scene.database.execute("update public.workspaces set person_split = %s", [split])
    lines = scene.read(reader, split, days, **asked)

    check_days(scene.ask(reader, "agent_days", days, **asked), lines)
    check_models(scene.ask(reader, "agent_models", days, **asked), lines)
    check_places(scene.ask(reader, "agent_places", days, **asked), lines)
    check_sessions(scene.ask(reader, "agent_sessions", days, **asked), lines)


def check_days(answer: dict[str, Any], lines: list[Line]) -> None:
    by_day = {(row["day"], row["agent"]): money_of(row) for row in answer["days"]}
    assert by_day == add_up(lines, lambda line: (str(line.local.date()), line.agent))
    hours = {
        datetime.fromisoformat(row["hour"]): [*money_of(row | {"unpriced": 0})[:2], row["requests"]]
        for row in answer["hours"]
    }
    assert hours == without_unpriced(add_up(lines, lambda line: line.at.replace(minute=0, second=0)))
    week = {
        (row["weekday"], row["hour"]): [*money_of(row | {"unpriced": 0})[:2], row["requests"]]
        for row in answer["week"]
    }
    assert week == without_unpriced(add_up(lines, lambda line: (line.local.isoweekday(), line.local.hour)))


def check_models(answer: list[dict[str, Any]], lines: list[Line]) -> None:
    rows = {(row["day"], row["provider"], row["model_name"]): row for row in answer}
    assert {key: money_of(row) for key, row in rows.items()} == add_up(
        lines, lambda line: (str(line.local.date()), line.provider, line.model)
    )
    for name, of in (
        ("input_tokens", "input"),
        ("cached_input_tokens", "cached"),
        ("cache_write_tokens", "written"),
    ):
        assert sum(row[name] for row in answer) == sum(getattr(line, of) for line in lines)
    told = [(line.metadata.get("cache_write_1h_tokens"), line.written) for line in lines]
    assert sum(row["hour_write_tokens"] for row in answer) == sum(
        min(hour, written) for hour, written in told if isinstance(hour, int)
    )


def check_places(answer: list[dict[str, Any]], lines: list[Line]) -> None:
    def place(line: Line) -> Any:
        return ("value", name) if (name := line.named("repository")) else ("none", None)

    whole = [row for row in answer if not row["is_branch"]]
    found = {(row["kind"], row["repository"]): money_of(row) for row in whole if row["day"] is None}
    assert found == add_up(lines, place)
    by_day = {(row["kind"], row["repository"], row["day"]): money_of(row) for row in whole if row["day"]}
    assert by_day == add_up(lines, lambda line: (*place(line), str(line.local.date())))
    branches = [row for row in answer if row["is_branch"] and row["day"] is None]
    for kind, repository in found:
        of_it = [row for row in branches if row["repository"] == repository]
        if kind == "value":
            parts = [sum(column) for column in zip(*map(money_of, of_it), strict=True)]
            assert parts == found[kind, repository]
            assert sum(row["branch_kind"] == "value" for row in of_it) <= 4


def check_sessions(answer: dict[str, Any], lines: list[Line]) -> None:
    lines = [line for line in lines if line.session]
    expected = add_up(lines, lambda line: line.session)
    assert answer["sessions"] == len(expected)
    assert {row["session"]: money_of(row) for row in answer["rows"]} == expected
    values = [sum(money_of(row)[:2]) for row in answer["rows"]]
    assert values == sorted(values, reverse=True)
    for row in answer["rows"]:
        of_it = [line for line in lines if line.session == row["session"]]
        assert row["most_context"] == max(line.input for line in of_it)
        times = [datetime.fromisoformat(row[name]) for name in ("first_at", "last_at")]
        assert times == [min(line.at for line in of_it), max(line.at for line in of_it)]


@pytest.mark.parametrize("split", ["own", "admins", "everyone"])
def test_session_has_the_requests_that_the_reader_may_see_in_order(scene: Scene, split: str) -> None:
    scene.database.execute("update public.workspaces set person_split = %s", [split])
    for reader in COLLEAGUES:
        lines = scene.read(reader, split, MAY, agents=None, person=None)
        of_it = sorted((line for line in lines if line.session == "s2"), key=lambda line: line.at)
        found = scene.team[reader].ask("agent_session", session=" s2 ")
        if not of_it:
            assert found is None
            continue
        assert found["records"] == len(of_it)
        assert money_of(found) == add_up(of_it, lambda _: "")[""]
        times = [datetime.fromisoformat(row["at"]) for row in found["rows"]]
        assert times == [line.at for line in of_it]
        assert sum(row["input_tokens"] for row in found["rows"]) == sum(line.input for line in of_it)


def test_unknown_session_has_no_answer(scene: Scene) -> None:
    for name in ("", " ", "gone", "s2' or '1'='1", "s" * 300, "%", "\u202e\U0001f600", "null", "s2\\"):
        assert scene.team["owner"].ask("agent_session", session=name) is None


def test_hostile_name_is_the_session_of_that_name(scene: Scene) -> None:
    for name in ("<script>alert(1)</script>", "x' or '1'='1", "\N{CLOUD}" * 300):
        scene.team["ann"].save(
            None, record(metadata={"session": name}), record(metadata={"session": "other"})
        )
        assert scene.team["ann"].ask("agent_session", session=name)["records"] == 1


def test_rows_of_a_long_session_are_bounded(scene: Scene) -> None:
    start = datetime(2026, 6, 1, tzinfo=UTC)
    ann = scene.team["ann"]
    for part in range(0, 5_004, 1_251):
        rows = [
            record(
                timestamp=(start + timedelta(minutes=nth)).isoformat(),
                cost_usd="0.25",
                cost_basis="included" if nth % 4 else "billed",
                request_count=1,
                metadata={"session": "long"},
            )
            for nth in range(part, part + 1_251)
        ]
        ann.save(None, *rows)
    found = ann.ask("agent_session", session="long")
    assert (found["records"], found["requests"], len(found["rows"])) == (5_004, 5_004, 5_000)
    days = [date.fromisoformat(day) for day, _, _ in found["days"]]
    assert days == [date(2026, 6, 1) + timedelta(days=nth) for nth in range(4)], "days of the workspace"
    for place, total in ((1, found["cost_usd"]), (2, found["included_usd"])):
        assert sum(Decimal(day[place]) for day in found["days"]) == Decimal(total) > 0


def test_what_the_counted_statement_leaves_out_is_told_by_another(scene: Scene) -> None:
    """The telemetry of an agent knows no branch; its log does."""
    ann = scene.team["ann"]
    both = {"request_id": "msg_1", "source_key": str(UUID(int=9)), "timestamp": "2026-06-01T00:00Z"}
    one, other = ann.add_source(name="one"), ann.add_source(name="other")
    ann.save(one, record(**both, cost_usd="2", tokens_used=9, metadata={"session": "s9"}))
    ann.save(
        other, record(**both, cost_usd="1", tokens_used=5, metadata={"branch": "main", "agent": "codex"})
    )
    period = (date(2026, 6, 1), date(2026, 6, 2))
    assert [row["agent"] for row in scene.ask("ann", "agent_days", period)["days"]] == ["codex"]
    assert [row["branch"] for row in scene.ask("ann", "agent_sessions", period)["rows"]] == ["main"]
    assert ann.ask("agent_session", session="s9")["rows"][0]["branch"] == "main"
    ann.call("set_source_enabled", other, False)
    assert scene.ask("ann", "agent_days", period)["days"] == []


def test_a_session_that_only_another_statement_names_has_its_page(scene: Scene) -> None:
    """The list of sessions has it, and leads there."""
    ann = scene.team["ann"]
    one, other = ann.add_source(name="one"), ann.add_source(name="other")
    for day, metadata in ((1, {"session": "s9"}), (9, {})):
        event = {"source_key": str(UUID(int=day)), "timestamp": f"2026-06-0{day}T00:00Z"}
        event["request_id"] = f"msg_{day}"
        ann.save(one, record(**event, cost_usd="2", tokens_used=9, metadata=metadata | {"agent": "codex"}))
        ann.save(other, record(**event, cost_usd="1", tokens_used=5, metadata={"session": "s9"}))
    [listed] = scene.ask("ann", "agent_sessions", (date(2026, 6, 1), date(2026, 6, 9)))["rows"]
    found = ann.ask("agent_session", session="s9")
    assert money_of(found) == money_of(listed)
    assert found["records"] == 2
    assert scene.team["bob"].ask("agent_session", session="s9") is None
    ann.call("set_source_enabled", other, False)
    assert ann.ask("agent_session", session="s9")["records"] == 1


def test_records_of_a_session_are_those_of_its_page(scene: Scene) -> None:
    """Whichever statement names it: of an event by its id, or of a line by its time."""
    chance = random.Random(7)
    scene.database.execute("update public.workspaces set person_split = 'everyone'")
    for name in ("ann", "bob"):
        sources: dict[UUID, list[dict[str, Any]]] = {
            scene.team[name].add_source(name=str(nth)): [] for nth in range(4)
        }
        for nth in range(40):
            at = datetime(2026, 6, 1, nth % 24, tzinfo=UTC)
            event: dict[str, Any] = {"source_key": str(UUID(int=nth // 2)), "timestamp": at.isoformat()}
            if nth % 4 < 2:
                event["request_id"] = f"msg_{nth // 2}"
            else:
                event |= {"day": "2026-06-01", "timestamp": "2026-06-01T00:00Z"}
            for source in chance.sample(list(sources), chance.randint(1, 4)):
                session = chance.choice(["s1", " s2 ", "s3", "s" * 300, "", None])
                said = {"session": session} if session is not None else {}
                sources[source].append(record(**event, cost_usd="1", tokens_used=5, metadata=said))
        for source, rows in sources.items():
            scene.team[name].save(source, *rows)
        scene.team[name].call("set_source_enabled", list(sources)[3], False)
    told = scene.database.execute("select count(*) from public.superseded_records").fetchall()[0][0]
    assert told > 40
    for reader in ("owner", "ann", "bob", "viewer"):
        for session in ("s1", "s2", "s3", "s4", "s" * 200):
            page = scene.team[reader].ask("agent_session", session=session)
            sums = scene.team[reader].ask("sum_records", chosen={"session": session})
            rows = scene.team[reader].ask(
                "list_records", chosen={"session": session}, sort="newest", skip=0, max_rows=500
            )
            assert sums["records"] == len(rows) == (page["records"] if page else 0), (reader, session)


def test_a_session_of_others_of_the_same_name_hides_no_request(scene: Scene) -> None:
    """Some programs count their sessions: those of others may be years apart."""
    scene.database.execute("update public.workspaces set person_split = 'own'")
    for name, year in (("ann", 2024), ("bob", 2026)):
        scene.team[name].save(None, record(timestamp=f"{year}-06-01T00:00Z", metadata={"session": "1"}))
    assert scene.team["ann"].ask("agent_session", session="1")["records"] == 1


def test_places_beyond_the_first_are_one(scene: Scene) -> None:
    many = [
        record(
            timestamp="2026-06-01T00:00Z",
            cost_usd=str(100 - nth),
            metadata={"agent": "codex", "repository": f"r{nth:02}", "branch": f"b{branch}"},
        )
        for nth in range(11)
        for branch in range(6)
    ]
    scene.team["ann"].save(None, *many)
    answer = scene.ask("ann", "agent_places", (date(2026, 6, 1), date(2026, 6, 1)))
    totals = [row for row in answer if row["day"] is None]
    whole = [(row["kind"], row["repository"], row["members"]) for row in totals if not row["is_branch"]]
    assert sorted(whole, key=str) == sorted(
        [("rest", None, 3)] + [("value", f"r{nth:02}", 1) for nth in range(8)], key=str
    )
    first = [
        (row["branch_kind"], row["branch"], row["members"]) for row in totals if row["repository"] == "r00"
    ]
    assert ("rest", None, 2) in first
    assert sum(kind == "value" for kind, _, _ in first) == 4


def test_models_beyond_the_first_have_no_name(scene: Scene) -> None:
    many = [
        record(
            timestamp="2026-06-01T00:00Z",
            model_name=f"m{nth:02}",
            cost_usd=str(100 - nth),
            metadata={"agent": "codex"},
        )
        for nth in range(42)
    ]
    scene.team["ann"].save(None, *many)
    answer = scene.ask("ann", "agent_models", (date(2026, 6, 1), date(2026, 6, 1)))
    assert len(answer) == 41
    assert [Decimal(row["cost_usd"]) for row in answer if row["model_name"] is None] == [Decimal(59 + 60)]


def test_periods_are_bounded(scene: Scene) -> None:
    for function, days in (
        *((function, 101) for function in FUNCTIONS[1:]),
        ("agent_days", 401),
        ("agent_days", 0),
    ):
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="first and the last day"):
            scene.ask("ann", function, (MAY[0], MAY[0] + timedelta(days=days - 1)))


@pytest.mark.new_database
def test_more_records_than_can_be_read_in_time_are_refused(scene: Scene) -> None:
    scene.database.execute(
        """create or replace function private.max_agent_records() returns bigint
        language sql immutable as 'select 100'"""
    )
    for function in FUNCTIONS:
        with pytest.raises(
            psycopg.errors.ProgramLimitExceeded, match=r"more than 100 records\. Choose a shorter"
        ):
            scene.ask("admin", function)
        assert scene.ask("admin", function, (MAY[1], MAY[1])) is not None


def test_strangers_are_refused(scene: Scene, project: Project, stranger: UUID) -> None:
    with project.act_as("authenticated", stranger) as connection:
        for function in FUNCTIONS:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(
                    f"select public.{function}(%s, null, '2026-05-01', '2026-05-02')".encode(),
                    [scene.team.id],
                )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select public.agent_session(%s, 's1')", [scene.team.id])
