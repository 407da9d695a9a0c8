-- 137_focus.sql: the costs of a period in sums as the open format FOCUS wants them, by UTC day, billing account, project, model
-- and all that a list price depends on, which tally/focus splits into classes of tokens; and workspaces whose costs the nightly
-- run keeps as files of this format.

-- What a price was found by, and tags, of a record that the caller may read; nothing of others.
create or replace function private.focus_details(metadata jsonb, is_readable boolean)
returns jsonb
language plpgsql -- its plan is kept
immutable
parallel safe
set search_path = ''
as $$
begin
    if not is_readable then
        return jsonb '{}';
    end if;
    return jsonb_strip_nulls(jsonb_build_object(
        'model', left(metadata ->> 'model', 200),
        'context', case when jsonb_typeof(metadata -> 'price_context') = 'object' then left(metadata ->> 'price_context', 500) end,
        'source', left(metadata ->> 'price_source', 50),
        'multiplier', left(metadata ->> 'price_multiplier', 20),
        'invoice', left(metadata ->> 'invoice_id', 200),
        'agent', private.dimension_value(metadata, private.dimension_keys('agent')),
        'environment', private.dimension_value(metadata, private.dimension_keys('environment')),
        'tags', nullif(to_jsonb((private.tags_of(coalesce(nullif(metadata -> 'tags', '[]'), metadata -> 'tag')))[1:20]), '[]')
    ));
end
$$;
revoke all on function private.focus_details(jsonb, boolean) from public;

-- Sums of the records in [since, until) that count, in the order of their keys, which repeats. Money that does not count is 0
-- and marked. Private projects are one, ffffffff-…, and of records that the caller may not read, the billing account, tags and
-- prices are left out. More than 20,000 sums are refused (54000): ask for a shorter period then.
create or replace function public.focus_rows(since timestamptz, until timestamptz, workspace uuid default null)
returns json
language plpgsql
stable
security definer
set search_path = ''
set plan_cache_mode = force_custom_plan -- a kept plan may be from when these months were empty
set statement_timeout = '60s' -- PostgREST applies it: all records of the period are read
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    asked constant private.daily_question := private.ask_for_days(tenant, 'project', null, null);
    only_own constant uuid := private.only_own_rows(tenant); -- null for everybody's
    found json;
    groups bigint;
begin
    if isfinite(since) is not true or isfinite(until) is not true or until - since > interval '400 days' then
        raise exception 'Give the first and the last instant of a period of at most 400 days.' using errcode = '22023';
    end if;
    with counted as (
        select
            r.*,
            r.cost_usd is null and r.money_is_effective
            and not private.is_failed_call(case when r.tokens_are_effective then r.tokens_used else 0 end, r.metadata) as is_unpriced,
            r.user_id = asked.caller or (only_own is null and (r.project_id = any (asked.hidden)) is not true) as is_readable
        from public.cost_records as r
        where
            r.workspace_id = tenant
            and r.timestamp >= since
            and r.timestamp < until
            and (r.money_is_effective or r.tokens_are_effective)
            and (asked.of_person is null or r.user_id = asked.of_person)
    ),

    sums as (
        select
            (c.timestamp at time zone 'UTC')::date as day,
            c.provider_id,
            c.model_name,
            c.cost_basis,
            c.charge_type,
            case when c.is_readable then c.billing_account end as billing_account,
            case
                when c.project_id = any (asked.hidden) then uuid 'ffffffff-ffff-ffff-ffff-ffffffffffff' else c.project_id
            end as project_id,
            c.money_is_effective,
            c.is_unpriced,
            private.focus_details(c.metadata, c.is_readable) as details,
            coalesce(sum(c.cost_usd) filter (where c.money_is_effective), 0) as cost_usd,
            coalesce(sum(c.input_tokens) filter (where c.tokens_are_effective), 0) as input_tokens,
            coalesce(sum(c.output_tokens) filter (where c.tokens_are_effective), 0) as output_tokens,
            coalesce(sum(c.cached_input_tokens) filter (where c.tokens_are_effective), 0) as cached_input_tokens,
            coalesce(sum(c.cache_write_tokens) filter (where c.tokens_are_effective), 0) as cache_write_tokens,
            coalesce(
                sum(private.hour_writes(c.metadata, c.cache_write_tokens)) filter (where c.tokens_are_effective), 0
            ) as cache_write_1h_tokens,
            coalesce(sum(c.request_count) filter (where c.tokens_are_effective), 0) as requests,
            count(*) as records
        from counted as c
        group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
        limit 20001
    )

    select
        count(*),
        coalesce(
            json_agg(
                json_build_object(
                    'day', s.day, 'provider', p.name, 'service', p.display_name, 'model', s.model_name,
                    'cost_basis', s.cost_basis, 'charge_type', s.charge_type, 'billing_account', s.billing_account,
                    'project', s.project_id, 'money_is_effective', s.money_is_effective, 'is_unpriced', s.is_unpriced,
                    'details', s.details, 'cost_usd', s.cost_usd::text, 'input_tokens', s.input_tokens,
                    'output_tokens', s.output_tokens, 'cached_input_tokens', s.cached_input_tokens,
                    'cache_write_tokens', s.cache_write_tokens, 'cache_write_1h_tokens', s.cache_write_1h_tokens,
                    'requests', s.requests, 'records', s.records
                )
                order by
                    s.day, p.name, s.model_name, s.charge_type, s.cost_basis, s.billing_account, s.project_id, s.is_unpriced,
                    s.money_is_effective, s.details::text
            ), '[]'
        )
    into groups, found
    from sums as s
    inner join public.providers as p on s.provider_id = p.id;
    if groups > 20000 then
        raise exception 'These are too many costs at once. Ask for a shorter period.' using errcode = '54000';
    end if;
    return found;
end
$$;
revoke all on function public.focus_rows(timestamptz, timestamptz, uuid) from public, anon, service_role;
grant execute on function public.focus_rows(timestamptz, timestamptz, uuid) to authenticated;

-- private.focus_exports: one row for each workspace that switched files on, with what came of the last run. They have what
-- `user_id` may read, an admin who switched it on. Where they are is a setting of the server: with an address of their own,
-- admins of a workspace could write anywhere.
create table if not exists private.focus_exports (
    workspace_id uuid primary key references public.workspaces (id) on delete cascade,
    user_id uuid references auth.users (id) on delete set null,
    ran_at timestamptz,
    months integer not null default 0 check (months between 0 and 10000), -- files that there are
    changed integer not null default 0 check (changed between 0 and 10000), -- of them written by the last run
    problem text check (length(problem) between 1 and 500), -- of the last run
    created_at timestamptz not null default now()
);
create index if not exists focus_exports_user_id_idx on private.focus_exports (user_id);
alter table private.focus_exports enable row level security;
revoke all on private.focus_exports from public, anon, authenticated, service_role;

create or replace function public.set_focus_export(workspace uuid, is_enabled boolean)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    entry jsonb;
begin
    if is_enabled then
        insert into private.focus_exports as e (workspace_id, user_id) values (tenant, auth.uid())
        on conflict (workspace_id) do update set user_id = excluded.user_id, problem = null
        where e.user_id is distinct from excluded.user_id;
    else
        delete from private.focus_exports as e where e.workspace_id = tenant;
    end if;
    if found then
        entry := jsonb_build_object(
            'action', case when is_enabled then 'insert' else 'delete' end, 'table_name', 'focus_exports', 'row_id', tenant
        );
        perform private.write_audit(tenant, entry);
    end if;
end
$$;
revoke all on function public.set_focus_export(uuid, boolean) from public, anon, service_role;
grant execute on function public.set_focus_export(uuid, boolean) to authenticated;

-- Whether files are kept, and what came of the last run; and the months whose records are archived, which no file can be made
-- of now.
create or replace function public.focus_state(workspace uuid default null)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
begin
    return json_build_object(
        'export', (
            select
                json_build_object(
                    'ran_at', e.ran_at, 'months', e.months, 'changed', e.changed, 'problem', e.problem,
                    'is_own', e.user_id is not distinct from auth.uid()
                )
            from private.focus_exports as e
            where e.workspace_id = tenant
        ),
        'archived', (select coalesce(json_agg(a.month order by a.month), '[]') from private.archived_months as a)
    );
end
$$;
revoke all on function public.focus_state(uuid) from public, anon, service_role;
grant execute on function public.focus_state(uuid) to authenticated;

-- The workspaces to export, each with the admin as whom to read; null where that account left or is no admin any more.
create or replace function private.list_focus_exports()
returns table (workspace_id uuid, user_id uuid)
language sql
stable
set search_path = ''
as $$
    select e.workspace_id, m.user_id
    from private.focus_exports as e
    left join public.members as m
        on e.workspace_id = m.workspace_id and e.user_id = m.user_id and m.role in ('admin', 'owner')
    order by e.workspace_id
$$;
revoke all on function private.list_focus_exports() from public;

-- What came of a run, with an empty problem if it went well; nothing for a workspace that switched it off meanwhile.
create or replace function private.report_focus_export(tenant uuid, months integer, changed integer, problem text)
returns void
language sql
set search_path = ''
as $$
    update private.focus_exports as e
    set
        ran_at = now(),
        months = case when $4 = '' then $2 else e.months end,
        changed = $3,
        problem = left(nullif($4, ''), 500)
    where e.workspace_id = $1
$$;
revoke all on function private.report_focus_export(uuid, integer, integer, text) from public;
