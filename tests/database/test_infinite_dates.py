"""Infinite days and times do no harm, or are refused with a sentence by each function that people call."""

import psycopg

from tests.database.teams import make_team
from tests.database_fixtures import Connection, Project

QUERY = """
select p.proname, p.proargnames, string_to_array(oidvectortypes(p.proargtypes), ', ')
from pg_proc as p
where p.pronamespace = 'public'::regnamespace and has_function_privilege('authenticated', p.oid, 'execute')
    and oidvectortypes(p.proargtypes) ~ '(date|timestamp with time zone)(,|$)'
order by p.proname"""
DAYS = ("date", "timestamp with time zone")
PLAUSIBLE = {
    "date": "'2026-05-31'",
    "timestamp with time zone": "'2026-05-31'",
    "text": "'agent'",
} | dict.fromkeys(("integer", "bigint", "numeric"), "5")
REFUSALS = ("22023", "42501", "54000")  # with sentences of their own


def test_infinite_dates_are_refused_with_a_sentence(project: Project, database: Connection) -> None:
    admin = make_team(project, database, "admin")["admin"]
    functions = database.execute(QUERY).fetchall()
    raw = []
    for name, names, types in functions:
        given = [
            f"'{admin.workspace}'::uuid" if each == "workspace" else f"{PLAUSIBLE.get(kind, 'null')}::{kind}"
            for each, kind in zip(names, types, strict=False)
        ]
        for place in (nth for nth, kind in enumerate(types) if kind in DAYS):
            for value in ("'infinity'", "'-infinity'"):
                arguments = [*given[:place], f"{value}::{types[place]}", *given[place + 1 :]]
                try:
                    with admin.connection.transaction(force_rollback=True):
                        query = f"select * from public.{name}({', '.join(arguments)})"
                        admin.connection.execute(query.encode())
                except psycopg.Error as error:
                    if error.sqlstate not in REFUSALS:
                        raw.append(f"{name}, {names[place]} = {value}: {error}"[:200])
    assert len(functions) > 20
    assert raw == []
