-- 134_shared_limits.sql: what several processes count together: attempts in forms, and the use of keys where there is no Redis.
-- Both tables are unlogged: after a crash of the database, counting begins again.

-- private.attempts: one row each. A bucket is a hash of the form and of whom its attempts are counted for.
create unlogged table if not exists private.attempts (
    bucket bytea not null check (octet_length(bucket) = 32),
    tried_at timestamptz not null,
    counts_until timestamptz not null
);
create index if not exists attempts_bucket_idx on private.attempts (bucket, tried_at);
create index if not exists attempts_counts_until_idx on private.attempts (counts_until);
alter table private.attempts enable row level security;
revoke all on private.attempts from public, anon, authenticated, service_role;

-- Counts an attempt and returns null, or the seconds to wait where the most were made. Attempts of others that count no longer
-- go with it, more than it adds: the table never grows beyond the attempts of the longest time.
create or replace function private.count_attempt(bucket bytea, most integer, window_seconds float8)
returns float8
language plpgsql
security definer
set search_path = ''
as $$
declare
    present bigint;
    first_at timestamptz;
    counted_at timestamptz;
begin
    perform pg_advisory_xact_lock(hashtextextended('tally.attempts.' || encode(bucket, 'hex'), 0));
    counted_at := clock_timestamp(); -- after the wait for the lock
    delete from private.attempts as a
    where
        a.ctid = any (array(
            select e.ctid from private.attempts as e where e.counts_until <= counted_at limit 20 for update skip locked
        ));
    select count(*), min(a.tried_at) into present, first_at
    from private.attempts as a
    where a.bucket = count_attempt.bucket and a.counts_until > counted_at;
    if present >= most then
        return window_seconds - extract(epoch from counted_at - first_at);
    end if;
    insert into private.attempts (bucket, tried_at, counts_until)
    values (count_attempt.bucket, counted_at, counted_at + make_interval(secs => window_seconds));
    return null;
end
$$;
revoke all on function private.count_attempt(bytea, integer, float8) from public;
grant execute on function private.count_attempt(bytea, integer, float8) to tally_web;

-- Forgets the last attempt of a bucket, or all of them.
create or replace function private.forget_attempts(bucket bytea, only_last boolean)
returns void
language sql
security definer
set search_path = ''
as $$
    delete from private.attempts as a
    where
        a.bucket = forget_attempts.bucket
        and (
            not forget_attempts.only_last
            or a.ctid = (
                select l.ctid
                from private.attempts as l
                where l.bucket = forget_attempts.bucket
                order by l.tried_at desc
                limit 1
            )
        )
$$;
revoke all on function private.forget_attempts(bytea, boolean) from public;
grant execute on function private.forget_attempts(bytea, boolean) to tally_web;

-- private.key_uses: how much a key used in a minute, of this one and the one before.
create unlogged table if not exists private.key_uses (
    key_id uuid not null references public.api_keys (id) on delete cascade,
    unit text not null check (unit in ('requests', 'tokens')),
    minute timestamptz not null,
    used bigint not null check (used between 0 and 1000000000000),
    primary key (key_id, unit, minute)
);
alter table private.key_uses enable row level security;
revoke all on private.key_uses from public, anon, authenticated, service_role;

-- Counts the use of a key within a sliding minute and returns null, or the seconds to wait where it would be too much. Of the
-- minute before counts the share that still lies within the last 60 seconds.
create or replace function private.count_key_use(key uuid, unit text, most bigint, cost bigint)
returns float8
language plpgsql
security definer
set search_path = ''
as $$
declare
    counted_at timestamptz;
    this_minute timestamptz;
    elapsed float8;
    before float8;
    used float8;
begin
    perform pg_advisory_xact_lock(hashtextextended('tally.key_uses.' || unit || '.' || key::text, 0));
    counted_at := clock_timestamp();
    this_minute := date_trunc('minute', counted_at);
    elapsed := extract(epoch from counted_at - this_minute);
    select
        coalesce(sum(u.used) filter (where u.minute = this_minute - interval '1 minute'), 0),
        coalesce(sum(u.used) filter (where u.minute = this_minute), 0)
    into before, used
    from private.key_uses as u
    where u.key_id = key and u.unit = count_key_use.unit;
    if before * (1 - elapsed / 60) + used + cost > most then
        if used + cost <= most then
            return 60 * (1 - (most - used - cost) / before) - elapsed;
        end if;
        return 60 - elapsed + 60 * greatest(1 - (most - cost) / used, 0);
    end if;
    if used = 0 then
        delete from private.key_uses as u
        where u.key_id = key and u.unit = count_key_use.unit and u.minute < this_minute - interval '1 minute';
    end if;
    insert into private.key_uses as u (key_id, unit, minute, used)
    select k.id, count_key_use.unit, this_minute, cost
    from public.api_keys as k
    where k.id = key -- one that was deleted a moment ago is counted no longer
    on conflict on constraint key_uses_pkey do update set used = u.used + excluded.used;
    return null;
end
$$;
revoke all on function private.count_key_use(uuid, text, bigint, bigint) from public;
grant execute on function private.count_key_use(uuid, text, bigint, bigint) to tally_api;
