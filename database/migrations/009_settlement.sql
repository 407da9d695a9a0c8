-- 009_settlement.sql: money is counted once. Where a provider's bill covers a day, the estimates of that day keep their tokens
-- and give up their money; where the bill goes away again, they get it back. The order in which the two arrive does not matter.

-- A page of somebody's ledger: an account at a provider (metadata.ledger) and a UTC day. Bills and estimates of one page are
-- about the same usage.
do $$
begin
    if to_regtype('private.ledger_page') is null then
        create type private.ledger_page as (user_id uuid, ledger text, day date);
        revoke all on type private.ledger_page from public;
    end if;
end
$$;

create or replace function private.settle(pages private.ledger_page[])
returns void
language sql
set search_path = ''
as $$
    update public.cost_records as r
    set
        cost_usd = case
            when s.is_billed then 0
            else (r.metadata ->> 'estimate_usd')::numeric
        end,
        metadata = case
            when s.is_billed then r.metadata || jsonb_build_object('estimate_usd', r.cost_usd::text)
            else r.metadata - 'estimate_usd'
        end
    from (
        select
            p.*,
            p.day::timestamp at time zone 'UTC' as day_from,
            (p.day + 1)::timestamp at time zone 'UTC' as day_to,
            exists (
                select
                from public.cost_records as b
                where
                    b.user_id = p.user_id
                    and b.timestamp >= p.day::timestamp at time zone 'UTC'
                    and b.timestamp < (p.day + 1)::timestamp at time zone 'UTC'
                    and b.cost_basis = 'billed'
                    and b.metadata ->> 'ledger' = p.ledger
            ) as is_billed
        from unnest(pages) as p
    ) as s
    where
        r.user_id = s.user_id
        and r.timestamp >= s.day_from
        and r.timestamp < s.day_to
        and r.cost_basis = 'estimated'
        and r.metadata ->> 'ledger' = s.ledger
        and s.is_billed <> (r.metadata ? 'estimate_usd')
$$;
revoke all on function private.settle(private.ledger_page[]) from public;

-- Its own update fires it again, finds every page settled and ends there.
create or replace function private.settle_changed()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    pages constant private.ledger_page[] := array(
        select distinct row(c.user_id, c.metadata ->> 'ledger', (c.timestamp at time zone 'UTC')::date)::private.ledger_page
        from changed as c
        where c.metadata ? 'ledger'
    );
begin
    if cardinality(pages) > 0 then
        perform private.settle(pages);
    end if;
    return null;
end
$$;
revoke all on function private.settle_changed() from public;

-- Two changes of one ledger must see each other. Fired before the days are marked (triggers fire in the order of their names), so
-- that everyone takes the ledger first and the days second.
create or replace function private.lock_ledger()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    owner uuid;
begin
    for owner in select distinct c.user_id from changed as c where c.metadata ? 'ledger' order by 1 loop
        perform pg_advisory_xact_lock(hashtextextended('tally.ledger.billing_account.' || owner::text, 0));
    end loop;
    return null;
end
$$;
revoke all on function private.lock_ledger() from public;

create or replace trigger cost_records_ledger_inserted
    after insert on public.cost_records
    referencing new table as changed
    for each statement execute function private.lock_ledger();
create or replace trigger cost_records_ledger_deleted
    after delete on public.cost_records
    referencing old table as changed
    for each statement execute function private.lock_ledger();
create or replace trigger cost_records_ledger_updated
    after update on public.cost_records
    referencing new table as changed
    for each statement execute function private.lock_ledger();

create or replace trigger cost_records_settle_inserted
    after insert on public.cost_records
    referencing new table as changed
    for each statement execute function private.settle_changed();
create or replace trigger cost_records_settle_deleted
    after delete on public.cost_records
    referencing old table as changed
    for each statement execute function private.settle_changed();
create or replace trigger cost_records_settle_updated_from
    after update on public.cost_records
    referencing old table as changed
    for each statement execute function private.settle_changed();
create or replace trigger cost_records_settle_updated_to
    after update on public.cost_records
    referencing new table as changed
    for each statement execute function private.settle_changed();
