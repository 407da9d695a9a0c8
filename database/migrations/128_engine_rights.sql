-- 128_engine_rights.sql: what the analytics engine may tell a caller. It has rows of everybody and knows no accounts: before each
-- question Postgres checks it, and says what may be read of which workspace.

-- The rights of the caller in a workspace, how many records that has, and how current the engine is.
create or replace function private.engine_rights(tenant uuid, hidden uuid[])
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    return jsonb_build_object(
        'tenant', tenant,
        'caller', auth.uid(),
        'only_own', private.only_own_rows(tenant),
        'hidden', to_jsonb(hidden),
        'records', (
            select coalesce(sum(c.statements), 0) from private.record_counts as c where c.workspace_id = engine_rights.tenant
        ),
        'engine', (select to_jsonb(l) from private.analytics_lag(tenant) as l)
    );
end
$$;
revoke all on function private.engine_rights(uuid, uuid[]) from public;

-- The rights to the answer of public.explore_costs, whose arguments it takes and checks: also who is asked about alone
-- (`of_person`), the period, its times with labels and rates where groups are told by time, whether sums of days know the answer,
-- the dimensions that superseded statements may tell, and the names of providers.
create or replace function public.explore_rights(
    workspace uuid, measure text, by text[], filters jsonb, from_date date, to_date date, granularity text default 'none',
    top_n integer default 8, rates numeric[] default null, prices jsonb default null
)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    question constant private.exploration := private.ask_exploration(
        row(
            private.require_workspace($1, 'viewer'), $2, coalesce($3, '{}'), coalesce($4, '{}'), $5, $6, $7, $8, $9, $10, null, null,
            null, null, null
        )::private.exploration
    );
begin
    return private.engine_rights(question.tenant, (question.asked).hidden) || jsonb_build_object(
        'of_person', (question.asked).of_person,
        'first_at', question.first_at,
        'last_at', question.last_at,
        'is_of_days', private.is_of_days(question),
        'told', private.told_dimensions(question),
        'times', (
            select
                jsonb_build_object(
                    'starts', jsonb_agg(extract(epoch from t.starts_at)::bigint order by t.nth),
                    'days', jsonb_agg(t.day order by t.nth),
                    'labels', jsonb_agg(coalesce(t.label, '') order by t.nth),
                    'rates', jsonb_agg(t.rate::text order by t.nth)
                )
            from private.explored_times(question) as t
            where private.has_times(question)
        ),
        'providers', (select jsonb_object_agg(p.id, p.name) from public.providers as p)
    );
end
$$;
revoke all on function public.explore_rights(uuid, text, text[], jsonb, date, date, text, integer, numeric[], jsonb)
from public, anon, service_role;
grant execute on function public.explore_rights(uuid, text, text[], jsonb, date, date, text, integer, numeric[], jsonb)
to authenticated;

-- The rights to lists of traces and sessions, with the number of spans for that of records, and the text that is looked for in
-- small letters, as Postgres makes them.
create or replace function public.trace_rights(workspace uuid, search text default null)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace($1, 'viewer');
begin
    return private.engine_rights(tenant, array(select private.hidden_projects())) || jsonb_build_object(
        'records', (select coalesce(sum(c.spans), 0) from private.span_counts as c where c.workspace_id = tenant),
        'search', lower($2)
    );
end
$$;
revoke all on function public.trace_rights(uuid, text) from public, anon, service_role;
grant execute on function public.trace_rights(uuid, text) to authenticated;

-- The rights to the answer of public.model_performance: also the starts of its hours or days, null where a period is too long or
-- the granularity is none, and the names and titles of providers.
create or replace function public.performance_rights(
    workspace uuid, first_at timestamptz, last_at timestamptz, granularity text
)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace($1, 'viewer');
    zone constant text := private.timezone_of(tenant);
    is_known constant boolean := coalesce(
        $2 < $3 and $3 - $2 <= case $4 when 'hour' then interval '8 days' when 'day' then interval '401 days' end, false
    );
begin
    return private.engine_rights(tenant, array(select private.hidden_projects())) || jsonb_build_object(
        'starts', (
            select jsonb_agg(distinct extract(epoch from date_trunc($4, s.at, zone))::bigint)
            from (
                -- Clocks change by quarters of an hour at least.
                select generate_series($2, $3, case $4 when 'hour' then interval '15 minutes' else interval '12 hours' end) as at
                union all
                select $3 - interval '1 microsecond'
            ) as s
            where is_known
        ),
        'providers', (select jsonb_object_agg(p.id, jsonb_build_array(p.name, p.display_name)) from public.providers as p)
    );
end
$$;
revoke all on function public.performance_rights(uuid, timestamptz, timestamptz, text) from public, anon, service_role;
grant execute on function public.performance_rights(uuid, timestamptz, timestamptz, text) to authenticated;
