"""Many people who change one workspace at once: no deadlock, always an owner, no lost record."""

from collections.abc import Callable
from random import Random
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.database.access import another_row, insert
from tests.database.teams import Team, call, make_team, race
from tests.database.test_saving import record
from tests.database_fixtures import Connection, Project

ROLES = ("owner", "admin", "member", "viewer")
EXPECTED = {"22023", "42501", "23503"}  # sentences for people
PEOPLE = ("owner", "owner2", "admin", "admin2", "member", "member2")


def act(team: Team, person: Connection, me: str, random: Random) -> Any:
    """One change of one person."""
    other = team[random.choice(PEOPLE)].id
    changes: list[Callable[[], Any]] = [
        lambda: call(person, "set_role", team.id, other, random.choice(ROLES)),
        lambda: call(person, "remove_member", team.id, other),
        lambda: call(person, "transfer_ownership", team.id, other),
        lambda: call(person, "leave_workspace", team.id),
        lambda: call(person, "set_member_limit", team.id, other, 5, None),
        lambda: call(
            person, "update_workspace", team.id, None, random.choice(["UTC", "Asia/Tokyo"]), None, "own"
        ),
        lambda: come_back(team, person, random.choice(PEOPLE)),
        lambda: call(person, "create_project", team.id, f"{uuid4()}", True),
        lambda: call(person, "set_rules", team.id, []),
        lambda: call(person, "set_aliases", team.id, [{"value": "ann", "user_id": str(other)}]),
        lambda: switch_source(person, random),
        lambda: call(person, "post_due_renewals", team.id),
    ]
    if me == "admin2":
        changes.append(lambda: call(person, "delete_own_account", f"{team[me].id}@example.org"))
    changes += [lambda: save(team, person)] * 4
    return random.choice(changes)()


def switch_source(person: Connection, random: Random) -> Any:
    """Exclude or include a source, as its page does; a plain update waits for saves with the row locked."""
    sources = person.execute("select id from public.imports order by id").fetchall()
    return sources and call(person, "set_source_enabled", random.choice(sources)[0], random.random() < 0.5)


def save(team: Team, person: Connection) -> Any:
    """Save events that are dates, which a time zone moves."""
    return call(person, "save_cost_records", None, [record(day="2026-05-01") for _ in range(3)], team.id)


def come_back(team: Team, person: Connection, who: str) -> Any:
    """Invite somebody who left, and let them accept."""
    made = call(person, "invite", team.id, f"{team[who].id}@example.org", "admin")
    with team.act_as(who) as invited:
        return call(invited, "accept_invitation", made["token"])


@pytest.mark.parametrize("seed", range(3))
def test_people_change_a_workspace_at_once(project: Project, database: Connection, seed: int) -> None:
    team = make_team(project, database, *PEOPLE)
    for role in ("owner", "admin", "admin2"):
        with team.act_as(role) as person:
            for table in ("imports", "subscriptions", "api_credentials", "model_prices"):
                person.execute(insert(table, another_row(database, table, team[role].id, team.id)))

    def live(me: str) -> list[Any]:
        random, answers = Random(f"{seed} {me}"), []
        with team.act_as(me) as person:
            for _ in range(25):
                try:
                    answers.append(act(team, person, me, random))
                except psycopg.Error as error:
                    answers.append(error)
        return answers

    answers = [answer for ours in race(*(lambda me=me: live(me) for me in PEOPLE)) for answer in ours]
    errors = [answer for answer in answers if isinstance(answer, psycopg.Error)]
    assert [error for error in errors if error.sqlstate not in EXPECTED] == []
    assert "owner" in team.roles(database).values()
    saved = sum(answer["inserted"] for answer in answers if isinstance(answer, dict) and "inserted" in answer)
    query = "select count(*) from public.cost_records where workspace_id = %s and subscription_id is null"
    assert database.execute(query, [team.id]).fetchone() == (saved,)
    assert saved > 0
    orphans = """select count(*) from public.api_credentials as c
        left join public.members as m on c.workspace_id = m.workspace_id and c.user_id = m.user_id
        where coalesce(m.role, '') not in ('owner', 'admin')"""
    assert database.execute(orphans).fetchone() == (0,)
