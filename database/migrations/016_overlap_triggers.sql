-- 016_overlap_triggers.sql: every change of records changes the sums of its days' parts, and decides those days where it must.

-- Two changes of one billing account must see each other.
create or replace function private.billing_lock(of_workspace uuid)
returns bigint
language sql
immutable
set search_path = ''
as $$
    select hashtextextended('tally.billing.' || of_workspace::text, 0)
$$;
revoke all on function private.billing_lock(uuid) from public;

-- A record that was just written, with its part and its flags.
do $$
begin
    if to_regtype('private.written_record') is null then
        create type private.written_record as (
            id uuid,
            timestamp timestamptz,
            workspace_id uuid,
            billing_account text,
            day date,
            dataset text,
            cost_basis text,
            model_key text,
            billed_under_other_name boolean,
            collection_method text,
            money_is_effective boolean,
            tokens_are_effective boolean
        );
        revoke all on type private.written_record from public;
    end if;
end
$$;

-- Gives written records the flags of their parts. Each is found by its key: the rest of the day is not read.
create or replace function private.flag_written(written private.written_record[])
returns void
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_hashjoin = off
set enable_mergejoin = off
as $$
begin
    perform set_config('tally.is_flagging', 'on', true);
    update public.cost_records as r
    set
        money_is_effective = d.has_money,
        tokens_are_effective = d.has_tokens
    from (
        select
            w.id,
            w.timestamp,
            coalesce(p.money_is_effective, true) as has_money,
            coalesce(p.tokens_are_effective, true) as has_tokens
        from unnest(written) as w
        left join private.day_parts as p
            on
                w.workspace_id = p.workspace_id
                and w.billing_account = p.billing_account
                and w.day = p.day
                and w.dataset = p.dataset
                and w.cost_basis = p.cost_basis
                and w.model_key = p.model_key
                and w.billed_under_other_name = p.billed_under_other_name
                and w.collection_method = p.collection_method
        where
            w.money_is_effective <> coalesce(p.money_is_effective, true)
            or w.tokens_are_effective <> coalesce(p.tokens_are_effective, true)
    ) as d
    where
        r.id = d.id
        and r.timestamp = d.timestamp
        and (r.money_is_effective <> d.has_money or r.tokens_are_effective <> d.has_tokens);
    perform set_config('tally.is_flagging', '', true);
end
$$;
revoke all on function private.flag_written(private.written_record[]) from public;

-- Sums of changes by part, without those that cancel out.
create or replace function private.net_changes(changes private.day_parts[])
returns private.day_parts[]
language sql
immutable
set search_path = ''
as $$
    select array(
        select
            row(
                c.workspace_id, c.billing_account, c.day, c.dataset, c.cost_basis, c.model_key, c.billed_under_other_name,
                c.collection_method, sum(c.tokens), sum(c.requests), sum(c.records), true, true
            )::private.day_parts
        from unnest(changes) as c
        group by
            c.workspace_id, c.billing_account, c.day, c.dataset, c.cost_basis, c.model_key, c.billed_under_other_name,
            c.collection_method
        having sum(c.tokens) <> 0 or sum(c.requests) <> 0 or sum(c.records) <> 0
    )
$$;
revoke all on function private.net_changes(private.day_parts[]) from public;

-- Decided parts with records that were there before these changes; those of the others are all at hand, flagged one by one.
create or replace function private.parts_from_before(decided private.day_parts[], changes private.day_parts[])
returns private.day_parts[]
language sql
immutable
set search_path = ''
set enable_nestloop = off
as $$
    select array(
        select d
        from unnest(decided) as d
        left join unnest(changes) as c
            on
                (d.workspace_id, d.billing_account, d.day, d.dataset, d.cost_basis, d.model_key)
                = (c.workspace_id, c.billing_account, c.day, c.dataset, c.cost_basis, c.model_key)
                and d.billed_under_other_name = c.billed_under_other_name
                and d.collection_method = c.collection_method
        where c.records is null or c.records < d.records
    )
$$;
revoke all on function private.parts_from_before(private.day_parts[], private.day_parts[]) from public;

-- Records on their way to the archive or back (130_archiving.sql) leave sums as they are.
--
-- Runs before the days are marked (triggers fire in the order of their names): everyone takes the billing lock first, the days
-- second. Its own flips do not fire it again. Both lists of columns are in it, for no other function can read the changed rows.
create or replace function private.count_parts()
returns trigger
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    changes private.day_parts[] := array[]::private.day_parts[];
    needs_flags boolean := false;
begin
    if tg_op <> 'INSERT' then
        changes := array(
            select
                row(
                    c.workspace_id, c.billing_account, (c.timestamp at time zone 'UTC')::date, c.dataset, c.cost_basis,
                    c.model_key, c.billed_under_other_name, c.collection_method, -sum(c.tokens_used), -sum(c.request_count),
                    -count(*), true, true
                )::private.day_parts
            from changed_from as c
            where c.billing_account is not null
            group by
                c.workspace_id, c.billing_account, (c.timestamp at time zone 'UTC')::date, c.dataset, c.cost_basis, c.model_key,
                c.billed_under_other_name, c.collection_method
        );
    end if;
    if tg_op <> 'DELETE' then
        changes := changes || array(
            select
                row(
                    c.workspace_id, c.billing_account, (c.timestamp at time zone 'UTC')::date, c.dataset, c.cost_basis,
                    c.model_key, c.billed_under_other_name, c.collection_method, sum(c.tokens_used), sum(c.request_count),
                    count(*), true, true
                )::private.day_parts
            from changed_to as c
            where c.billing_account is not null
            group by
                c.workspace_id, c.billing_account, (c.timestamp at time zone 'UTC')::date, c.dataset, c.cost_basis, c.model_key,
                c.billed_under_other_name, c.collection_method
        );
    end if;
    if cardinality(changes) = 0 then
        return null;
    end if;
    perform pg_advisory_xact_lock(private.billing_lock(w.workspace_id))
    from (select distinct c.workspace_id from unnest(changes) as c order by 1) as w;
    if tg_op = 'UPDATE' then
        needs_flags := exists (select from changed_to as c where not (c.money_is_effective and c.tokens_are_effective));
    end if;
    perform private.change_parts(case when tg_op = 'UPDATE' then private.net_changes(changes) else changes end);
    if tg_op <> 'DELETE' and (needs_flags or private.has_superseded_parts(changes)) then
        perform private.flag_written(array(
            select
                row(
                    c.id, c.timestamp, c.workspace_id, c.billing_account, (c.timestamp at time zone 'UTC')::date, c.dataset,
                    c.cost_basis, c.model_key, c.billed_under_other_name, c.collection_method, c.money_is_effective,
                    c.tokens_are_effective
                )::private.written_record
            from changed_to as c
        ));
    end if;
    return null;
end
$$;
revoke all on function private.count_parts() from public;

-- Adds the differences to the parts and decides their days, and those that other accounts share with them by now.
create or replace function private.change_parts(changes private.day_parts[])
returns void
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    groups jsonb;
begin
    if cardinality(changes) = 0 then
        return;
    end if;
    if exists (select from unnest(changes) as c where split_part(c.billing_account, ':', 2) like '@%') then
        groups := private.groups_of(changes);
    end if;
    perform private.add_to_day_parts(changes);
    if groups is not null then
        changes := changes || private.regrouped_days(groups, changes);
    end if;
    perform private.resolve_overlaps(changes);
end
$$;
revoke all on function private.change_parts(private.day_parts[]) from public;

-- Does one of these days have a part that does not count in full?
create or replace function private.has_superseded_parts(changes private.day_parts[])
returns boolean
language sql
stable
set search_path = ''
as $$
    select exists (
        select
        from (select distinct c.workspace_id, c.billing_account, c.day from unnest(changes) as c) as d
        inner join private.day_parts as p
            on d.workspace_id = p.workspace_id and d.billing_account = p.billing_account and d.day = p.day
        where not (p.money_is_effective and p.tokens_are_effective)
    )
$$;
revoke all on function private.has_superseded_parts(private.day_parts[]) from public;

create or replace trigger cost_records_count_inserted
    after insert on public.cost_records
    referencing new table as changed_to
    for each statement when (current_setting('tally.archiving', true) is distinct from 'on')
    execute function private.count_parts();
create or replace trigger cost_records_count_deleted
    after delete on public.cost_records
    referencing old table as changed_from
    for each statement when (current_setting('tally.archiving', true) is distinct from 'on')
    execute function private.count_parts();
create or replace trigger cost_records_count_updated
    after update on public.cost_records
    referencing old table as changed_from new table as changed_to
    for each statement
    when (current_setting('tally.is_flagging', true) is distinct from 'on')
    execute function private.count_parts();

create or replace function private.forget_parts()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    delete from private.day_parts;
    return null;
end
$$;
revoke all on function private.forget_parts() from public;

create or replace trigger cost_records_count_truncated
    after truncate on public.cost_records
    for each statement execute function private.forget_parts();
