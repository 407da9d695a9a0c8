"""`tally doctor --deep` on a real database: silent on good data, and each kind of damage is named."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tally.local.doctor import Finding
from tally.local.integrity import examine_data
from tally.local.running import running_stack
from tally.local.stack import Stack
from tests.embedded import free_port_block, migrated_home
from tests.supabase.parts import connect
from tests.tally.local.test_backup import run
from tests.tally.people import sign_up


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack of its own, with sample data: the tests damage it."""
    with migrated_home() as home, running_stack(home, free_port_block()) as running:
        person = sign_up(running)
        loaded = run(home, "demo", "--email", person.email, settings=running.settings())
        assert loaded.returncode == 0, loaded.stderr
        with connect(running) as connection:
            connection.execute("select public.refresh_cost_records_daily(true)")
        yield running


def examine(stack: Stack) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine_data(stack.home)}


def problems(stack: Stack) -> dict[str, str]:
    return {name: finding.found for name, finding in examine(stack).items() if finding.fix}


def unchecked(stack: Stack, *statements: str) -> None:
    """Change data past its triggers and references, as a damaged disk or a hand at the database does."""
    with connect(stack, "supabase_admin") as connection:
        connection.execute("set session_replication_role = replica")
        for statement in statements:
            connection.execute(statement)


def test_good_data_has_no_problem_and_nothing_is_left_behind(stack: Stack) -> None:
    found = examine(stack)
    assert {name: finding.found for name, finding in found.items()} == {
        "checksums": "on",
        "pages and indexes": "no problem found",
        "constraints": "no problem found",
        "references": "no problem found",
        "orphaned records": "no problem found",
        "days against records": "no problem found",
    }
    with connect(stack) as connection:
        assert connection.execute("select from pg_extension where extname = 'amcheck'").rowcount == 0


def test_days_that_differ_from_their_records_are_counted(stack: Stack) -> None:
    where = "where id = (select id from public.cost_records where cost_usd > 0 order by timestamp limit 1)"
    unchecked(stack, f"update public.cost_records set cost_usd = cost_usd + 1 {where}")
    assert problems(stack) == {"days against records": "days that differ from the sum of their records: 1"}
    unchecked(stack, f"update public.cost_records set cost_usd = cost_usd - 1 {where}")
    assert problems(stack) == {}


def test_orphans_and_broken_references_are_counted(stack: Stack) -> None:
    unchecked(
        stack,
        f"update public.imports set user_id = '{uuid4()}'"
        " where id = (select min(id::text)::uuid from public.imports)",
        "update public.cost_records set import_id = gen_random_uuid()"
        " where id = (select id from public.cost_records where cost_usd > 0 order by timestamp limit 1)",
    )
    found = problems(stack)
    assert found["references"] == "rows of imports that break imports_user_id_fkey: 1"
    assert found["orphaned records"] == "rows of public.cost_records that refer to missing public.imports: 1"


def test_changed_page_is_found_in_a_stopped_tally() -> None:
    with migrated_home() as home:
        with running_stack(home, free_port_block(), migrated=False) as stack, connect(stack) as connection:
            row: Any = connection.execute("select pg_relation_filepath('public.providers')").fetchone()
        file = home / "postgres" / "17" / row[0]
        content = bytearray(file.read_bytes())
        content[-40] ^= 0xFF
        file.write_bytes(content)
        shown = run(home, "doctor", "--deep")
        assert shown.returncode == 1
        damaged = shown.stdout.partition("PROBLEM  pages and indexes")[2]
        assert "providers: invalid page in block" in damaged
        assert "restore your latest intact backup" in damaged


def test_row_that_breaks_a_constraint_is_counted(stack: Stack) -> None:
    with connect(stack, "supabase_admin") as connection:
        row: Any = connection.execute(
            """select conname, pg_get_constraintdef(oid) from pg_constraint
            where conrelid = 'public.imports'::regclass and contype = 'c' and conkey = array(
                select attnum from pg_attribute
                where attrelid = 'public.imports'::regclass and attname = 'filename'
            )"""
        ).fetchone()
    name, definition = row
    unchecked(
        stack,
        f"alter table public.imports drop constraint {name}",
        "update public.imports set filename = repeat('x', 300)"
        " where id = (select min(id::text)::uuid from public.imports)",
        f"alter table public.imports add constraint {name} {definition} not valid",
    )
    assert problems(stack)["constraints"] == f"rows of imports that break {name}: 1"
