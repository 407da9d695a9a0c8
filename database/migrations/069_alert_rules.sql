-- 069_alert_rules.sql: what a workspace is alerted of besides its budgets.

-- private.known_prices: list prices as the last run knew them, of models in use: a difference is a change.
create table if not exists private.known_prices (
    provider text not null check (length(provider) between 1 and 100),
    model_name text not null check (length(model_name) between 1 and 200),
    prices jsonb not null check (jsonb_typeof(prices) = 'object' and pg_column_size(prices) <= 4096), -- by class, as text
    seen_on date not null, -- in use then
    primary key (provider, model_name)
);
alter table private.known_prices enable row level security;
revoke all on private.known_prices from public, anon, authenticated, service_role;

-- True for choices of what a workspace is alerted of: kinds that are switched off, and limits; tally/alerts/rules.py has the
-- defaults.
create or replace function private.are_alert_rules(rules jsonb)
returns boolean
language sql
immutable
set search_path = ''
as $$
    select case jsonb_typeof(rules)
        when 'object' then not exists (
            select
            from jsonb_each(rules) as r (name, value)
            where
                not coalesce(
                    case
                        when r.name in (
                            'anomaly', 'new_model', 'silent_source', 'renewal', 'price', 'retirement', 'bill', 'idle',
                            'credits'
                        )
                            then jsonb_typeof(r.value) = 'boolean'
                        when jsonb_typeof(r.value) <> 'number' or r.value::numeric <> trunc(r.value::numeric) then false
                        when r.name = 'new_model_percent' then r.value::numeric between 1 and 100
                        when r.name = 'silent_days' then r.value::numeric between 1 and 90
                        when r.name = 'renewal_days' then r.value::numeric between 1 and 30
                        when r.name = 'retirement_days' then r.value::numeric between 1 and 365
                        when r.name = 'credit_days' then r.value::numeric between 1 and 60
                        when r.name = 'bill_percent' then r.value::numeric between 1 and 1000
                    end,
                    false
                )
        )
        else false
    end
$$;
revoke all on function private.are_alert_rules(jsonb) from public;

-- Chooses what a workspace is alerted of; what is left out has its default.
create or replace function public.set_alert_rules(workspace uuid, rules jsonb)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
begin
    if rules is null or not private.are_alert_rules(rules) then
        raise exception 'These are no rules of alerts. Switch kinds on or off, and give limits within their bounds.'
            using errcode = '22023';
    end if;
    update public.workspaces as w set alert_rules = rules where w.id = tenant;
end
$$;
revoke all on function public.set_alert_rules(uuid, jsonb) from public, anon, service_role;
grant execute on function public.set_alert_rules(uuid, jsonb) to authenticated;

-- Sources that brought data on several days and then nothing for longer than their workspaces wait: connections that fail or
-- have no new data, and machines. Of each the last day, in the workspace's zone, on which anything came.
create or replace function private.silent_sources(tenants uuid[], default_days integer)
returns table (
    workspace_id uuid, id uuid, user_id uuid, kind text, format text, name text, last_day date, today date, problem text
)
language sql
stable
set search_path = ''
as $$
    select i.workspace_id, i.id, i.user_id, i.kind, i.format, i.filename, l.last_day, l.today, c.last_error
    from public.imports as i
    inner join public.workspaces as w on i.workspace_id = w.id
    left join public.api_credentials as c on i.workspace_id = c.workspace_id and i.credential_id = c.id
    cross join lateral (
        select
            (i.finished_at at time zone w.timezone)::date as last_day,
            (now() at time zone w.timezone)::date as today,
            coalesce((w.alert_rules ->> 'silent_days')::numeric::integer, default_days) as days
    ) as l
    where
        i.workspace_id = any (tenants)
        and i.kind <> 'file'
        and i.is_enabled
        and i.rows_imported > 0
        and (i.kind in ('machine', 'key') or c.is_active)
        and l.last_day <= l.today - l.days
        and l.last_day >= l.today - 400
        -- A source that brings data now and then is not silent between.
        and (
            select count(distinct (r.timestamp at time zone w.timezone)::date)
            from public.cost_records as r
            where r.import_id = i.id and r.timestamp >= i.finished_at - interval '28 days' and r.timestamp <= i.finished_at
        ) >= 8
$$;
revoke all on function private.silent_sources(uuid[], integer) from public;
