"""Which engine answers: Postgres unless ClickHouse is as good, with the reason where it is not."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from app.figures.engine_words import describe_source
from tally.analytics import engine as choosing
from tally.analytics.answers import Answer, Source
from tally.analytics.building import rebuild
from tally.analytics.client import SCHEMA, EngineDown, write_fact
from tally.analytics.connection import Connection as Engine
from tally.analytics.engine import ClickHouseEngine, Mode, PostgresEngine, open_engine
from tally.analytics.shipping import Shipper
from tally.analytics.tables import SCHEMA_VERSION
from tally.storage.database import DatabaseError
from tally.storage.postgres import PostgresDatabase
from tests.database.teams import Team, make_team
from tests.database.test_saving import record
from tests.database_fixtures import Connection, Project

ASKED: dict[str, Any] = {
    "measure": "spend",
    "by": ("branch",),
    "filters": {},
    "from_date": "2026-05-01",
    "to_date": "2026-05-01",
}
NOWHERE = "http://127.0.0.1:9/tally"
BY_DAY = {"by": ("model",), "granularity": "day"}


@pytest.fixture
def team(project: Project, database: Connection, engine: Any) -> Iterator[Team]:
    """A workspace with a record, which both engines have."""
    rebuild(database, engine, replaces=True)
    team = make_team(project, database, "owner")
    team["owner"].save(None, record(cost_usd="2", metadata={"branch": "main"}))
    Shipper(database, engine).ship_all()
    yield team
    write_fact(engine, SCHEMA, str(SCHEMA_VERSION))


def ask(
    database: Connection, team: Team, connection: Engine, mode: Mode = "clickhouse", **changes: Any
) -> Answer:
    """The answer to a question, which is the same from any engine."""
    account = PostgresDatabase(database, team["owner"].id, team.id)
    answer = ClickHouseEngine(account, connection, mode).ask("explore_costs", **ASKED | changes)
    assert Decimal(answer.value["total"]["value"]) == 2
    return answer


def test_the_engine_answers_as_of_now(database: Connection, team: Team, engine: Any) -> None:
    assert ask(database, team, Engine("", engine)).source == Source("clickhouse", 0, "")


AGO = "now() - interval '3 minutes'"
OBSTACLES = [
    ("delete from private.analytics_engine", "no rows yet"),
    (
        f"""insert into private.analytics_outbox (workspace_id, kind, timestamp, key, noted_at)
        values (gen_random_uuid(), 'records', now(), gen_random_uuid(), {AGO})""",
        "3 minutes behind",
    ),
    (
        """insert into private.analytics_tasks (workspace_id, kind, first_at, last_at)
        select id, 'records', now(), now() from public.workspaces""",
        "being built",
    ),
    (
        """insert into private.analytics_parked (workspace_id, kind, timestamp, key, reason)
        select id, 'records', now(), gen_random_uuid(), 'odd' from public.workspaces""",
        "could not take some records",
    ),
]


@pytest.mark.parametrize(("change", "reason"), OBSTACLES)
def test_postgres_answers_where_the_engine_lacks_rows(
    database: Connection, team: Team, engine: Any, change: str, reason: str
) -> None:
    database.execute(change.encode())
    source = ask(database, team, Engine("", engine)).source
    assert source is not None
    assert source.engine == "postgres"
    assert reason in source.reason


def test_an_answer_tells_how_old_it_may_be(database: Connection, team: Team, engine: Any) -> None:
    database.execute(OBSTACLES[1][0].replace("3 minutes", "20 seconds").encode())
    source = ask(database, team, Engine("", engine)).source
    assert source is not None
    assert source.engine == "clickhouse"
    assert 20 <= source.seconds_behind < 60


def test_whether_many_records_are_asked_about_decides(
    database: Connection, team: Team, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = Engine("", engine)
    assert ask(database, team, connection, "auto").source is None
    monkeypatch.setattr(choosing, "LEAST_RECORDS", 1)
    assert ask(database, team, connection, "auto").source == Source("clickhouse", 0, "")
    assert ask(database, team, connection, "auto", **BY_DAY).source is None  # sums of days know it


ARCHIVE = """insert into private.archives
    (workspace_id, first_day, end_day, state, reason, records, archived_at, manifest_sha256)
    values (%s, '2026-05-01', '2026-05-02', 'archived', 'command', %s, now(), repeat('0', 64))"""


def test_archived_records_are_read_where_the_engine_has_all_of_them(
    database: Connection, team: Team, engine: Any
) -> None:
    database.execute(ARCHIVE, [team.id, 1])
    assert ask(database, team, Engine("", engine), "auto").source == Source("clickhouse", 0, "")
    database.execute("update private.archives set records = 2")
    source = ask(database, team, Engine("", engine), "auto").source
    assert source == Source("postgres", 0, "The analytics engine lacks archived records of this period.")


def test_postgres_answers_for_an_engine_that_is_down(database: Connection, team: Team) -> None:
    connection = Engine(NOWHERE)
    source = ask(database, team, connection).source
    assert source is not None
    assert (source.engine, source.reason[:40]) == ("postgres", "The analytics engine did not answer: Err")
    refusals = []
    for _ in range(2):
        with pytest.raises(EngineDown) as refused:
            connection.open("x")
        refusals.append(refused.value)
    assert refusals[0] is refusals[1]  # it is not asked again for a while


def test_postgres_answers_for_an_engine_of_another_version(
    database: Connection, team: Team, engine: Any
) -> None:
    write_fact(engine, SCHEMA, "0")
    source = ask(database, team, Engine("", engine)).source
    assert source is not None
    assert source.engine == "postgres"
    assert "another version" in source.reason


def test_postgres_answers_what_the_engine_cannot(database: Connection, team: Team, engine: Any) -> None:
    rates = ("1." + "0" * 69 + "1",)
    answer = ClickHouseEngine(
        PostgresDatabase(database, team["owner"].id, team.id), Engine("", engine), "clickhouse"
    ).ask("explore_costs", **ASKED, rates=rates)
    assert answer.source is not None
    assert "so many digits" in answer.source.reason
    assert Decimal(answer.value["total"]["value"]) > 2


def test_both_engines_refuse_in_the_same_words(database: Connection, team: Team, engine: Any) -> None:
    account = PostgresDatabase(database, team["owner"].id, team.id)
    engines = PostgresEngine(account), ClickHouseEngine(account, Engine("", engine), "clickhouse")
    period = {"first_at": "2026-05-01T00:00Z", "last_at": "2026-05-30T00:00Z"}
    for function, asked in (
        ("explore_costs", ASKED | {"by": ("colour",)}),
        ("explore_costs", ASKED | {"measure": "price"}),
        ("explore_costs", ASKED | {"to_date": "1999-01-01"}),
        (
            "explore_values",
            {"dimension": "x'", "filters": {}, "from_date": "2026-05-01", "to_date": "2026-05-01"},
        ),
        ("model_performance", {**period, "granularity": "hour"}),
        ("model_performance", {**period, "granularity": "x"}),
    ):
        refusals = []
        for one in engines:
            with pytest.raises(DatabaseError) as refused:
                one.ask(function, **asked)
            refusals.append(str(refused.value))
        assert refusals[0] == refusals[1], asked


def test_without_an_engine_postgres_is_asked_at_once(database: Connection, team: Team) -> None:
    account = PostgresDatabase(database, team["owner"].id, team.id)
    assert isinstance(open_engine(account, None, "auto"), PostgresEngine)
    assert isinstance(open_engine(account, NOWHERE, "postgres"), PostgresEngine)
    assert isinstance(open_engine(account, NOWHERE, "auto"), ClickHouseEngine)


def test_words() -> None:
    assert describe_source(None) == ""
    assert describe_source(Source("clickhouse")) == "Answered by ClickHouse, up to date."
    assert describe_source(Source("clickhouse", 1.2)) == "Answered by ClickHouse, as of 1 second ago."
    assert describe_source(Source("postgres", reason="It is down.")) == "Answered by Postgres. It is down."
