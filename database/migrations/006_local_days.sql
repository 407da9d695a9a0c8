-- 006_local_days.sql: days are local days of the workspace, daylight saving included: UTC days are wrong for most people.

create or replace function private.timezone_of(of_workspace uuid)
returns text
language sql
stable
set search_path = ''
as $$
    select coalesce((select w.timezone from public.workspaces as w where w.id = of_workspace), 'UTC')
$$;
revoke all on function private.timezone_of(uuid) from public;

-- A change of records and a change of the time zone must see each other: records share this lock, the time zone takes it alone.
create or replace function private.timezone_lock(of_workspace uuid)
returns bigint
language sql
immutable
set search_path = ''
as $$
    select hashtextextended('tally.timezone.' || of_workspace::text, 0)
$$;
revoke all on function private.timezone_lock(uuid) from public;

-- The first instant of a local day. Where clocks go back over midnight (the Azores, Havana) it comes twice, and Postgres
-- returns the second.
create or replace function private.day_start(day date, zone text)
returns timestamptz
language sql
stable
set search_path = ''
as $$
    select
        case
            when ((s.midnight - interval '1 hour') at time zone zone)::date = day then s.midnight - interval '1 hour'
            else s.midnight
        end
    from (select day::timestamp at time zone zone as midnight) as s
$$;
revoke all on function private.day_start(date, text) from public;

-- The instant of an event that is a date: noon UTC, or 09:00 UTC where noon UTC is the next local day already.
create or replace function private.day_instant(day date, zone text)
returns timestamptz
language sql
stable
set search_path = ''
as $$
    select
        case
            when (n.noon at time zone zone)::date = day then n.noon
            else n.noon - interval '3 hours'
        end
    from (select (day + time '12:00') at time zone 'UTC' as noon) as n
$$;
revoke all on function private.day_instant(date, text) from public;
