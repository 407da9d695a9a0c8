-- 038_renewals.sql: when renewals are posted: with every change of a subscription, on request, and nightly; by workspace, so that
-- one waits for no other and fails no other.

create or replace function private.follow_subscription()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if tg_op = 'DELETE' then
        delete from public.cost_records as r
        where r.workspace_id = old.workspace_id and r.subscription_id = old.id;
    else
        perform private.post_renewals(new);
    end if;
    return null;
end
$$;
revoke all on function private.follow_subscription() from public;

create or replace trigger subscriptions_follow
    after insert or update or delete on public.subscriptions
    for each row execute function private.follow_subscription();

-- The renewal days of a workspace's subscriptions up to its today, without those of archived months and those that an invoice
-- stands in for.
create or replace function private.due_renewals(tenant uuid, zone text)
returns table (subscription_id uuid, day date)
language sql
stable
rows 1000
set search_path = ''
as $$
    select s.id, d.day
    from public.subscriptions as s
    cross join lateral private.renewal_days(s, (now() at time zone zone)::date) as d (day)
    where
        s.workspace_id = tenant
        and not private.is_archived(tenant, d.day)
        and (s.id, d.day) not in (select r.subscription_id, r.day from private.replaced_renewals(tenant) as r)
$$;
revoke all on function private.due_renewals(uuid, text) from public;

-- Deletes the records of a workspace's subscriptions that are no renewals any more, and corrects those that were changed.
create or replace function private.correct_renewals(tenant uuid, zone text)
returns void
language plpgsql
set search_path = ''
as $$
begin
    delete from public.cost_records as r
    using public.subscriptions as s
    where
        s.workspace_id = tenant
        and r.workspace_id = tenant
        and r.subscription_id = s.id
        and (
            (r.subscription_id, r.day) in (select d.subscription_id, d.day from private.due_renewals(tenant, zone) as d)
        ) is not true; -- nor without a day

    update public.cost_records as r
    set
        project_id = case
            when r.model_name = s.plan_name or private.stays_filed(r) then r.project_id
            else private.project_of_plan(s)
        end,
        cost_usd = s.amount_usd,
        provider_id = s.provider_id,
        model_name = s.plan_name
    from public.subscriptions as s
    where
        s.workspace_id = tenant
        and r.workspace_id = tenant
        and r.subscription_id = s.id
        and (r.cost_usd, r.provider_id, r.model_name) is distinct from (s.amount_usd, s.provider_id, s.plan_name);
end
$$;
revoke all on function private.correct_renewals(uuid, text) from public;

-- Whether a record of a workspace's subscriptions is wrong, and the renewals that are missing, the oldest first: one statement
-- that only reads, since on most nights there is nothing to do.
create or replace function private.check_renewals(tenant uuid, zone text, out is_wrong boolean, out ids uuid[], out days date[])
language sql
stable
set search_path = ''
as $$
    with due as materialized (
        select d.subscription_id, d.day from private.due_renewals(tenant, zone) as d
    ),

    present as materialized (
        select
            r.subscription_id,
            r.day,
            (r.cost_usd, r.provider_id, r.model_name) is distinct from (s.amount_usd, s.provider_id, s.plan_name) as differs
        from public.subscriptions as s
        inner join public.cost_records as r on s.id = r.subscription_id
        where s.workspace_id = tenant and r.workspace_id = tenant
    ),

    missing as materialized (
        select d.subscription_id, d.day from due as d
        except
        select p.subscription_id, p.day from present as p
    ),

    unknown as (
        select m.subscription_id, m.day
        from missing as m
        where not exists ( -- one that an export brought back
            select
            from public.cost_records as r
            where
                r.workspace_id = tenant
                and r.timestamp >= (m.day - 1)::timestamp at time zone 'UTC'
                and r.timestamp < (m.day + 2)::timestamp at time zone 'UTC'
                and r.source_key = md5(m.subscription_id::text || ' ' || m.day::text)::uuid
        )
    )

    select
        exists (select from present as p where p.differs)
        or exists (select p.subscription_id, p.day from present as p except select d.subscription_id, d.day from due as d),
        coalesce(array_agg(u.subscription_id order by u.day, u.subscription_id), '{}'),
        coalesce(array_agg(u.day order by u.day, u.subscription_id), '{}')
    from unknown as u
$$;
revoke all on function private.check_renewals(uuid, text, out boolean, out uuid[], out date[]) from public;

-- Makes the records of all subscriptions of a workspace their renewals at once, but adds at most so many. Returns how many were
-- added and how many are left.
create or replace function private.post_renewals_at_once(
    tenant uuid, zone text, at_most integer, out added integer, out remaining integer
)
language plpgsql
set search_path = ''
as $$
declare
    found_renewals record;
begin
    found_renewals := private.check_renewals(tenant, zone);
    if found_renewals.is_wrong then
        perform pg_advisory_xact_lock(private.save_lock(tenant));
        perform private.correct_renewals(tenant, zone);
    end if;
    remaining := greatest(cardinality(found_renewals.ids) - at_most, 0);
    added := private.insert_renewals(tenant, found_renewals.ids[:at_most], found_renewals.days[:at_most], zone);
end
$$;
revoke all on function private.post_renewals_at_once(uuid, text, integer, out integer, out integer) from public;

-- Adds these renewals, none of which is there. Returns how many that was.
create or replace function private.insert_renewals(tenant uuid, ids uuid[], days date[], zone text)
returns integer
language plpgsql
set search_path = ''
as $$
declare
    added integer;
begin
    if cardinality(ids) = 0 then
        return 0;
    end if;
    perform public.ensure_months(array(select distinct date_trunc('month', d::timestamp)::date from unnest(days) as d));
    perform pg_advisory_xact_lock(private.save_lock(tenant));
    with plans as materialized (
        select s.*, private.project_of_plan(s) as filed
        from public.subscriptions as s
        where s.workspace_id = tenant and s.id = any (ids)
    )

    insert into public.cost_records (
        workspace_id, user_id, project_id, provider_id, subscription_id, timestamp, day, model_name, cost_usd,
        collection_method, cost_basis, charge_type, source_key
    )
    select
        tenant, s.user_id, s.filed, s.provider_id, s.id, private.day_instant(d.day, zone), d.day, s.plan_name, s.amount_usd,
        'manual_entry', 'billed', 'subscription', md5(s.id::text || ' ' || d.day::text)::uuid
    from unnest(ids, days) as d (id, day)
    inner join plans as s on d.id = s.id;
    get diagnostics added = row_count;
    return added;
end
$$;
revoke all on function private.insert_renewals(uuid, uuid[], date[], text) from public;

-- Posts a workspace's renewals, at most so many. Where the database refuses one, each subscription is posted by itself, so that
-- only that one fails. Returns how many were added, how many are left, and the plans that failed.
create or replace function private.post_workspace_renewals(
    tenant uuid, at_most integer, out added integer, out remaining integer, out failed text[]
)
language plpgsql
set search_path = ''
as $$
declare
    zone text;
    one public.subscriptions;
begin
    -- The locks of a save, in its order.
    perform pg_advisory_xact_lock_shared(private.timezone_lock(tenant));
    zone := private.timezone_of(tenant);
    failed := '{}';
    perform private.post_charges(tenant); -- they may stand in for renewals
    select p.added, p.remaining into added, remaining from private.post_renewals_at_once(tenant, zone, at_most) as p;
exception
when lock_not_available or deadlock_detected or serialization_failure then
    raise;
when others then
    added := 0;
    remaining := 0;
    for one in select s.* from public.subscriptions as s where s.workspace_id = tenant order by s.id loop
        begin
            added := added + private.post_renewals(one);
        exception
        when lock_not_available or deadlock_detected or serialization_failure then
            raise;
        when others then
            raise warning 'The renewals of subscription % were not posted: %', one.id, sqlerrm;
            failed := failed || one.plan_name;
        end;
    end loop;
end
$$;
revoke all on function private.post_workspace_renewals(uuid, integer, out integer, out integer, out text[]) from public;

-- Posts a workspace's renewals that came due since; safe to call at any time. Returns how many were added.
create or replace function public.post_due_renewals(workspace uuid default null)
returns integer
language plpgsql
security definer
set search_path = ''
set lock_timeout = '6s'
as $$
begin
    return (private.post_workspace_renewals(private.require_workspace(workspace, 'member'), 1000)).added;
end
$$;
revoke all on function public.post_due_renewals(uuid) from public, anon, service_role;
grant execute on function public.post_due_renewals(uuid) to authenticated;
