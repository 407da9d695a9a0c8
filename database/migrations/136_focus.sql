-- 136_focus.sql: the costs of a period in sums as the open format FOCUS wants them, by UTC day, billing account, project, model
-- and all that a list price depends on, which tally/focus splits into classes of tokens; and workspaces whose costs the nightly
-- run keeps as files of this format.

-- What a price was found by, and tags, as they are told; of raw values, which records are grouped by.
create or replace function private.focus_details(
    model text, context jsonb, price_source text, multiplier text, invoice text, agent text, environment text, tags jsonb
)
returns jsonb
language plpgsql -- its plan is kept
immutable
set search_path = ''
as $$
begin
    return jsonb_strip_nulls(jsonb_build_object(
        'model', left(model, 200),
        'context', case when jsonb_typeof(context) = 'object' then left(context::text, 500) end,
        'source', left(price_source, 50),
        'multiplier', left(multiplier, 20),
        'invoice', left(invoice, 200),
        'agent', left(nullif(btrim(agent), ''), 200),
        'environment', left(nullif(btrim(environment), ''), 200),
        'tags', nullif(to_jsonb((private.tags_of(tags))[1:20]), '[]')
    ));
end
$$;
revoke all on function private.focus_details(text, jsonb, text, text, text, text, text, jsonb) from public;

-- Sums of the records in [since, until) that count. Money that does not count is 0 and marked. Private projects are one,
-- ffffffff-…, and of records that the caller may not read, the billing account, tags and prices are left out. At most 20,001.
create or replace function private.focus_sums(
    tenant uuid, since timestamptz, until timestamptz, asked private.daily_question, only_own uuid
)
returns table (
    day date, provider_id uuid, model_name text, cost_basis text, charge_type text, account text, project_id uuid,
    money_is_effective boolean, is_unpriced boolean, model text, context jsonb, price_source text, multiplier text, invoice text,
    agent text, environment text, tags jsonb, cost_usd numeric, input_tokens numeric, output_tokens numeric,
    cached_input_tokens numeric, cache_write_tokens numeric, cache_write_1h_tokens numeric, requests numeric, records bigint
)
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_custom_plan -- a kept plan may be from when these months were empty
as $$
begin
    return query
    select
        (r.timestamp at time zone 'UTC')::date, r.provider_id, r.model_name, r.cost_basis, r.charge_type,
        case when m.is_readable then r.billing_account end,
        case when r.project_id = any (asked.hidden) then uuid 'ffffffff-ffff-ffff-ffff-ffffffffffff' else r.project_id end,
        r.money_is_effective,
        r.cost_usd is null and r.money_is_effective
        and not private.is_failed_call(case when r.tokens_are_effective then r.tokens_used else 0 end, r.metadata),
        t.told ->> 'model', t.told -> 'price_context', t.told ->> 'price_source', t.told ->> 'price_multiplier',
        t.told ->> 'invoice_id', t.told ->> 'agent', t.told ->> 'environment',
        coalesce(nullif(t.told -> 'tags', '[]'), t.told -> 'tag'),
        coalesce(sum(r.cost_usd) filter (where r.money_is_effective), 0),
        coalesce(sum(r.input_tokens) filter (where r.tokens_are_effective), 0),
        coalesce(sum(r.output_tokens) filter (where r.tokens_are_effective), 0),
        coalesce(sum(r.cached_input_tokens) filter (where r.tokens_are_effective), 0),
        coalesce(sum(r.cache_write_tokens) filter (where r.tokens_are_effective), 0),
        coalesce(
            sum(private.hour_writes(r.metadata, r.cache_write_tokens))
                filter (where r.tokens_are_effective and r.metadata ? 'cache_write_1h_tokens'), 0
        ),
        coalesce(sum(r.request_count) filter (where r.tokens_are_effective), 0),
        count(*)
    from public.cost_records as r
    cross join lateral (
        select r.user_id = asked.caller or (only_own is null and (r.project_id = any (asked.hidden)) is not true) as is_readable
    ) as m
    cross join lateral (select case when m.is_readable then r.metadata end as told) as t -- null where nothing is
    where
        r.workspace_id = tenant
        and r.timestamp >= since
        and r.timestamp < until
        and (r.money_is_effective or r.tokens_are_effective)
        and (asked.of_person is null or r.user_id = asked.of_person)
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
    limit 20001;
end
$$;
revoke all on function private.focus_sums(uuid, timestamptz, timestamptz, private.daily_question, uuid) from public;

-- These sums as JSON, in an order that repeats. More than 20,000 are refused (54000): ask for a shorter period then.
create or replace function public.focus_rows(since timestamptz, until timestamptz, workspace uuid default null)
returns json
language plpgsql
stable
security definer
set search_path = ''
set statement_timeout = '60s' -- PostgREST applies it: all records of the period are read
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    asked constant private.daily_question := private.ask_for_days(tenant, 'project', null, null);
    found json;
    groups bigint;
begin
    if isfinite(since) is not true or isfinite(until) is not true or until - since > interval '400 days' then
        raise exception 'Give the first and the last instant of a period of at most 400 days.' using errcode = '22023';
    end if;
    select
        count(*),
        coalesce(
            json_agg(
                json_build_object(
                    'day', s.day, 'provider', p.name, 'service', p.display_name, 'model', s.model_name,
                    'cost_basis', s.cost_basis, 'charge_type', s.charge_type, 'billing_account', s.account,
                    'project', s.project_id, 'money_is_effective', s.money_is_effective, 'is_unpriced', s.is_unpriced,
                    'details', d.details, 'cost_usd', s.cost_usd::text, 'input_tokens', s.input_tokens,
                    'output_tokens', s.output_tokens, 'cached_input_tokens', s.cached_input_tokens,
                    'cache_write_tokens', s.cache_write_tokens, 'cache_write_1h_tokens', s.cache_write_1h_tokens,
                    'requests', s.requests, 'records', s.records
                )
                order by
                    s.day, p.name, s.model_name, s.charge_type, s.cost_basis, s.account, s.project_id, s.is_unpriced,
                    s.money_is_effective, d.details::text, s.cost_usd, s.input_tokens, s.output_tokens, s.requests, s.records
            ), '[]'
        )
    into groups, found
    from private.focus_sums(tenant, since, until, asked, private.only_own_rows(tenant)) as s
    inner join public.providers as p on s.provider_id = p.id
    cross join lateral (
        select private.focus_details(
            s.model, s.context, s.price_source, s.multiplier, s.invoice, s.agent, s.environment, s.tags
        ) as details
    ) as d;
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
        'archived', (
            select coalesce(json_agg(m.month order by m.month), '[]')
            from (
                select a.month from private.archived_months as a
                union
                select date_trunc('month', d.day)::date
                from private.archives as a
                cross join lateral generate_series(a.first_day::timestamp, a.end_day - interval '1 day', interval '1 day') as d (day)
                where a.workspace_id = tenant and a.state = 'archived'
            ) as m
        )
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

-- What came of a run, with an empty problem if it went well; without months it was not begun, and is the first of the next run.
-- Nothing for a workspace that switched it off meanwhile.
create or replace function private.report_focus_export(tenant uuid, months integer, changed integer, problem text)
returns void
language sql
set search_path = ''
as $$
    update private.focus_exports as e
    set
        ran_at = case when $2 is null then e.ran_at else now() end,
        months = case when $4 = '' then $2 else e.months end,
        changed = $3,
        problem = left(nullif($4, ''), 500)
    where e.workspace_id = $1
$$;
revoke all on function private.report_focus_export(uuid, integer, integer, text) from public;
