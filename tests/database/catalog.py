"""A database's schema as comparable rows, read from the catalogs."""

from typing import Any

import psycopg

OURS = "('public', 'private')"

# One query a kind of object; each row names the object first.
QUERIES = {
    "relations": f"""
        select c.oid::regclass::text, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.reloptions::text,
            pg_get_userbyid(c.relowner), pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid),
            array(select a::text from unnest(c.relacl) as a order by 1)
        from pg_class as c
        where c.relnamespace::regnamespace::text in {OURS}""",
    "columns": f"""
        select c.oid::regclass::text, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull,
            pg_get_expr(d.adbin, d.adrelid), array(select x::text from unnest(a.attacl) as x order by 1)
        from pg_attribute as a
        inner join pg_class as c on a.attrelid = c.oid
        left join pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum
        where a.attnum > 0 and not a.attisdropped and c.relnamespace::regnamespace::text in {OURS}""",
    "constraints": f"""
        select k.conrelid::regclass::text, k.conname, k.contype, pg_get_constraintdef(k.oid), k.convalidated
        from pg_constraint as k
        where k.connamespace::regnamespace::text in {OURS}""",
    "indexes": f"""
        select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid), i.indisvalid
        from pg_index as i
        inner join pg_class as c on i.indrelid = c.oid
        where c.relnamespace::regnamespace::text in {OURS}""",
    "policies": f"""
        select tablename, policyname, permissive, roles::text, cmd, qual, with_check
        from pg_policies
        where schemaname in {OURS}""",
    "functions": f"""
        select p.oid::regprocedure::text, pg_get_functiondef(p.oid), pg_get_userbyid(p.proowner),
            array(select a::text from unnest(p.proacl) as a order by 1)
        from pg_proc as p
        where p.pronamespace::regnamespace::text in {OURS}
            and not exists (select from pg_depend as d where d.objid = p.oid and d.deptype = 'e')""",
    "triggers": """
        select t.tgrelid::regclass::text, t.tgname, pg_get_triggerdef(t.oid), t.tgenabled
        from pg_trigger as t
        inner join pg_class as c on t.tgrelid = c.oid
        where not t.tgisinternal and c.relnamespace::regnamespace::text in ('public', 'private', 'auth')""",
    "types": f"""
        select t.oid::regtype::text, t.typtype, array(select a::text from unnest(t.typacl) as a order by 1)
        from pg_type as t
        where t.typnamespace::regnamespace::text in {OURS} and t.typelem = 0""",
    "views": f"""
        select c.oid::regclass::text, pg_get_viewdef(c.oid)
        from pg_class as c
        where c.relkind in ('v', 'm') and c.relnamespace::regnamespace::text in {OURS}""",
    "schemas": """
        select n.nspname, pg_get_userbyid(n.nspowner),
            array(select a::text from unnest(n.nspacl) as a order by 1)
        from pg_namespace as n
        where n.nspname !~ '^pg_(toast_)?temp'""",
}


def read_schema(connection: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """The schemas public and private, the triggers on auth.users, and the schedule of pg_cron, if any."""
    queries = dict(QUERIES)
    if connection.execute("select to_regclass('cron.job') is not null").fetchone() == (True,):
        queries["schedule"] = "select jobname, schedule, command, username, active from cron.job"
    if connection.execute("select to_regclass('public.providers') is not null").fetchone() == (True,):
        queries["providers"] = "select id, name, display_name, api_base_url, is_active from public.providers"
    return {kind: sorted(map(str, connection.execute(query).fetchall())) for kind, query in queries.items()}
