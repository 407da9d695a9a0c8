"""Changes that users may make to their own account, and the data version that invalidates caches."""

from collections.abc import Callable
from itertools import pairwise
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.database.access import (
    MADE_AT_SIGN_UP,
    READ_BY_OWNER,
    VIEWS,
    WRITTEN_BY_NOBODY,
    WRITTEN_BY_OWNER,
    insert,
    sample_row,
)
from tests.database_fixtures import Connection, Project, add_user

Act = Callable[[UUID], Connection]


def version(person: Connection) -> str:
    """The caller's data version."""
    found = person.execute("select public.data_version()").fetchone()
    assert found is not None
    return str(found[0])


@pytest.mark.parametrize("table", sorted((WRITTEN_BY_OWNER | READ_BY_OWNER) - VIEWS - {"api_credentials"}))
def test_version_changes_with_own_data_only(
    database: Connection, as_user: Act, user: UUID, stranger: UUID, table: str
) -> None:
    person, other = as_user(user), as_user(stranger)
    row = sample_row(database, table, user)
    key = {"user_preferences": "user_id", "workspaces": "id"}.get(table, "workspace_id")
    steps = [
        f"update public.{table} set metadata = '{{\"n\": 1}}' where {key} = '{user}'",
        f"update public.{table} set metadata = '{{\"n\": 2}}' where {key} = '{user}'",
    ]
    if table not in ("members", "workspaces"):
        steps.append(f"delete from public.{table} where {key} = '{user}'")
    if table == "user_preferences":
        steps.append(f"insert into public.user_preferences (user_id) values ('{user}')")
    elif table not in MADE_AT_SIGN_UP:
        steps.insert(0, insert(table, row).as_string(database))
    untouched, seen = version(other), [version(person)]
    for step in steps:
        database.execute(step)
        seen.append(version(person))
        assert version(person) == seen[-1]
    assert all(before != after for before, after in pairwise(seen))
    assert version(other) == untouched


def test_version_changes_when_an_older_transaction_commits_after_a_younger_one(
    project: Project, user: UUID
) -> None:
    with (
        project.connect() as older,
        project.connect() as younger,
        project.act_as("authenticated", user) as person,
    ):
        change = "update public.imports set status = 'failed' where filename = %s"
        for filename in ("a.csv", "b.csv"):
            younger.execute(insert("imports", sample_row(younger, "imports", user) | {"filename": filename}))
        older.autocommit = False
        older.execute(change, ["a.csv"])
        younger.execute(change, ["b.csv"])
        before = version(person)
        older.commit()
        assert version(person) != before


def test_version_differs_before_and_after_marks_were_consumed(
    database: Connection, as_user: Act, user: UUID
) -> None:
    person = as_user(user)
    seen = []
    for _ in range(3):
        database.execute(insert("cost_records", sample_row(database, "cost_records", user)))
        seen.append(version(person))
        database.execute("select public.refresh_cost_records_daily()")
        seen.append(version(person))
    assert len(set(seen)) == 6


def test_deleting_an_account_deletes_its_data_only(
    database: Connection, as_user: Act, user: UUID, stranger: UUID
) -> None:
    tables = sorted((WRITTEN_BY_OWNER | READ_BY_OWNER | WRITTEN_BY_NOBODY) - VIEWS)
    for owner in (user, stranger):
        for table in tables:
            row = sample_row(database, table, owner)
            if table not in MADE_AT_SIGN_UP:
                database.execute(insert(table, row | ({"run_id": uuid4()} if "run_id" in row else {})))
    database.execute("select public.detach_partition(2026, 5)")
    as_user(user).execute("select public.delete_own_account(%s)", [f"  {user}@EXAMPLE.org "])
    for table in tables:
        key = {"user_preferences": "user_id", "workspaces": "id"}.get(table, "workspace_id")
        left = database.execute(f"select distinct {key} from public.{table}").fetchall()
        assert (user,) not in left
        assert table == "cost_records" or left == [(stranger,)]
    archived = database.execute("select distinct user_id from private.cost_records_2026_05").fetchall()
    assert archived == [(stranger,)]
    assert database.execute("select id from auth.users").fetchall() == [(stranger,)]


@pytest.mark.parametrize("email", ["", "somebody@example.org", None])
def test_a_wrong_email_deletes_nothing(
    database: Connection, as_user: Act, user: UUID, email: str | None
) -> None:
    with pytest.raises(psycopg.Error, match="not the email of this account"):
        as_user(user).execute("select public.delete_own_account(%s)", [email])
    assert database.execute("select id from auth.users").fetchall() == [(user,)]


def test_a_strangers_email_deletes_nothing(
    database: Connection, as_user: Act, user: UUID, stranger: UUID
) -> None:
    with pytest.raises(psycopg.Error, match="not the email of this account"):
        as_user(stranger).execute("select public.delete_own_account(%s)", [f"{user}@example.org"])
    assert database.execute("select count(*) from auth.users").fetchone() == (2,)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "EST5EDT4,M3.2.0,M11.1.0", "+03", "", "europe/berlin"])
def test_a_timezone_must_be_a_real_one(as_user: Act, user: UUID, zone: str) -> None:
    with pytest.raises(psycopg.Error, match=r"Unknown time zone|user_preferences_timezone_check"):
        as_user(user).execute("update public.user_preferences set timezone = %s", [zone])


def test_signing_up_makes_preferences(database: Connection) -> None:
    user_id = add_user(database)
    row = database.execute(
        """select currency, timezone, theme, default_date_range
        from public.user_preferences where user_id = %s""",
        [user_id],
    ).fetchone()
    assert row == ("USD", "UTC", "system", "30d")
