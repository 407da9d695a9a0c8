"""Whatever happens in Postgres, and to whoever ships it: in the end the engine has the same rows."""

import random
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tally.analytics import building, outbox
from tally.analytics.shipping import Shipper
from tests.database.teams import COLLEAGUES, Team, make_team, race
from tests.database.test_saving import record
from tests.database.test_traces import llm, span
from tests.database_fixtures import Connection, Project
from tests.tally.analytics.both_sides import find_differences

PEOPLE = ("ann", "bob", "admin")
START = datetime.fromisoformat("2026-03-28T12:00:00+00:00")  # some days before a month ends
HOSTILE = [
    "tab\t",
    "new\nline",
    "back\\slash",
    "quote's",
    "\\N",
    "]','[",
    "'; drop table records --",
    "",
    "  ",
]


class Killed(BaseException):
    """The end of a program at this moment."""


@dataclass
class Mortal:
    """A client of the engine whose program is killed before, or after, one of its next writes."""

    client: Any
    chance: random.Random
    left: int = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.chance.randrange(3)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def raw_insert(self, *arguments: Any, **named: Any) -> None:
        self._live(self.client.raw_insert, *arguments, **named)

    def command(self, *arguments: Any, **named: Any) -> Any:
        if "exists table" in arguments[0]:
            return self.client.command(*arguments, **named)
        return self._live(self.client.command, *arguments, **named)

    def _live(self, write: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        self.left -= 1
        if self.left == -1 and self.chance.random() < 0.5:
            raise Killed
        answer = write(*arguments, **named)
        if self.left <= -1:
            raise Killed
        return answer


@dataclass
class History:
    """A workspace, what happened in it, and those who ship it."""

    project: Project
    database: Connection
    engine: Any
    chance: random.Random
    teams: list[Team]
    sources: list[tuple[Team, str, UUID]] = field(default_factory=list)

    @property
    def team(self) -> Team:
        return self.chance.choice(self.teams)

    def ship(self) -> None:
        """Ship everything, in small batches."""
        Shipper(self.database, self.engine, self.chance.choice([1, 2, 5, 1000])).ship_all()

    def save(self) -> None:
        """A source with records of events that other sources tell of, too."""
        team, name = self.team, self.chance.choice(PEOPLE)
        if name not in team.people:
            return
        source = team[name].add_source(name=f"source {len(self.sources)}")
        self.sources.append((team, name, source))
        team[name].save(source, *[self._make_record() for _ in range(self.chance.randrange(1, 9))])

    def _make_record(self) -> dict[str, Any]:
        at = START + timedelta(hours=self.chance.randrange(0, 150, 10))
        basis = self.chance.choice(["billed", "estimated", "included"])
        made = record(
            timestamp=at.isoformat(),
            cost_usd=self.chance.choice(["0.0000000001", "1.5", "99999999.9999999999"]),
            cost_basis=basis,
            model_name=self.chance.choice(["gpt-5", "gpt-5-mini", *HOSTILE[:5]]).strip() or "gpt",
            billing_account=self.chance.choice(["openai", None]),
            dataset=self.chance.choice(["requests", "usage", "costs"]),
            input_tokens=self.chance.choice([0, 7, 10**9]),
            metadata={
                "agent": self.chance.choice(HOSTILE),
                "session": self.chance.choice(HOSTILE),
                "tags": self.chance.sample(HOSTILE, 3),
                "inference": {"status": self.chance.choice(["ok", "error", "odd"]), "duration_ms": 70},
            },
        )
        if basis == "estimated" and self.chance.random() < 0.3:
            made["cost_usd"] = None
        kind, event = self.chance.randrange(3), self.chance.randrange(12)
        made["source_key"] = str(UUID(int=100 * kind + event))  # a request is never a line of an export
        if kind == 0:
            made |= {"day": at.date().isoformat(), "timestamp": at.replace(hour=12).isoformat()}
        elif kind == 1:
            made["request_id"] = f"msg_{event}"
        return made

    def switch(self) -> None:
        """A source that is left out, or counted again."""
        if self.sources:
            team, name, source = self.chance.choice(self.sources)
            with suppress(KeyError):
                team[name].call("set_source_enabled", source, self.chance.random() < 0.5)

    def remove(self) -> None:
        """A source that is deleted."""
        if self.sources:
            team, name, source = self.sources.pop(self.chance.randrange(len(self.sources)))
            with suppress(KeyError):
                team[name].call("delete_source", source)

    def delete(self) -> None:
        """Records that are deleted."""
        self.database.execute("delete from public.cost_records where input_tokens = 7")

    def edit(self) -> None:
        """Records with another time, or another person."""
        self.database.execute(
            "update public.cost_records set timestamp = timestamp + interval '1 second', day = null"
            " where input_tokens = 0"
        )

    def move_days(self) -> None:
        """Another time zone, which moves records that are dates."""
        zone = self.chance.choice(["UTC", "Pacific/Auckland", "America/Los_Angeles"])
        self.database.execute(
            "update public.workspaces set timezone = %s where id = %s", [zone, self.team.id]
        )

    def trace(self) -> None:
        """Spans, of traces that were there or not."""
        team = self.team
        made = [
            self.chance.choice([span, llm])(
                self.chance.randrange(1, 6),
                trace_id=f"{self.chance.randrange(5):032x}",
                started_at=(START + timedelta(hours=self.chance.randrange(150))).isoformat(),
                name=self.chance.choice(["Plan", *HOSTILE[:7]]),
                session=self.chance.choice(HOSTILE),
            )
            for _ in range(4)
        ]
        team["admin"].ask("save_spans", spans=made)

    def leave(self) -> None:
        """An account that is deleted, with its workspace of its own."""
        team, name = self.team, self.chance.choice(["ann", "bob"])
        if name in team.people:
            self.database.execute("delete from auth.users where id = %s", [team.people.pop(name).id])

    def close(self) -> None:
        """A workspace that is deleted."""
        if len(self.teams) > 1:
            team = self.teams.pop(self.chance.randrange(len(self.teams)))
            self.sources = [one for one in self.sources if one[0] is not team]
            self.database.execute("delete from public.workspaces where id = %s", [team.id])

    def be_killed(self) -> None:
        """Somebody who ships is killed; with the connection, the lock goes."""
        with self.project.connect() as connection:
            mortal = Mortal(self.engine, self.chance)
            try:
                Shipper(connection, cast(Any, mortal), self.chance.choice([1, 3, 1000])).ship_all()
            except Killed:
                connection.close()

    def ship_at_once(self) -> None:
        """Two who ship at once."""
        connections = [self.project.connect() for _ in range(2)]
        race(*[Shipper(connection, self.engine, 3).ship_all for connection in connections])
        for connection in connections:
            connection.close()

    def build_over(self) -> None:
        """Everything is shipped once more, all or a workspace."""
        building.rebuild_in_place(self.database, self.engine, self.chance.choice([None, self.team.id]))

    def build_again(self) -> None:
        """The engine is emptied and built again."""
        building.rebuild(self.database, self.engine)

    def compact(self) -> None:
        """The engine is away for long: keys become stretches."""
        outbox.note_problem(self.database, "away", many=3)

    def restore(self) -> None:
        """The database is an older one, as after a restored backup, that the engine is ahead of."""
        if building.find_newest(self.engine) > 1:
            self.database.execute("select setval('private.analytics_version', 1)")
            self.database.execute("delete from private.analytics_outbox")
            building.prepare(self.database, self.engine)


ACTIONS: list[Callable[[History], None]] = [
    *[History.save] * 6,
    *[History.switch] * 2,
    *[History.trace] * 2,
    History.remove,
    History.delete,
    History.edit,
    History.move_days,
    History.leave,
    History.close,
    *[History.ship] * 2,
    *[History.be_killed] * 3,
    History.ship_at_once,
    History.build_over,
    History.build_again,
    History.compact,
    History.restore,
]


@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(actions=st.lists(st.sampled_from(ACTIONS), min_size=8, max_size=25), seed=st.integers(0, 2**32))
def test_the_engine_has_what_postgres_has(
    project: Project, database: Connection, engine: Any, actions: list[Callable[[History], None]], seed: int
) -> None:
    teams = [make_team(project, database, *COLLEAGUES) for _ in range(2)]
    with ExitStack() as connections:
        for team in teams:
            for person in team.people.values():
                connections.enter_context(person.connection)
        building.rebuild(database, engine, replaces=True)
        history = History(project, database, engine, random.Random(seed), teams)
        for action in actions:
            action(history)
        history.ship()
        assert find_differences(database, engine) == {}
        database.execute("delete from public.workspaces")
        database.execute("delete from auth.users")
