-- 088_model_alerts.sql: limits of error rates and latencies that a workspace is alerted of, and how its models do just now.

alter table public.workspaces
    add column if not exists model_limits jsonb not null default '[]'
        check (jsonb_typeof(model_limits) = 'array' and pg_column_size(model_limits) <= 8192);

-- True for up to 20 limits {kind, model, minutes, limit, requests}: of failed requests in percent, or of the p95 latency in ms,
-- in the last minutes, from so many requests on. An empty model is each one by itself. One limit for a kind, a model, a window.
create or replace function private.are_model_limits(limits jsonb)
returns boolean
language sql
immutable
set search_path = ''
as $$
    select case jsonb_typeof(limits)
        when 'array' then
            jsonb_array_length(limits) <= 20
            and not exists (
                select
                from jsonb_array_elements(limits) as l (value)
                where
                    not coalesce(
                        jsonb_typeof(l.value) = 'object'
                        and l.value - array['kind', 'model', 'minutes', 'limit', 'requests'] = '{}'
                        and jsonb_typeof(l.value -> 'model') = 'string'
                        and length(l.value ->> 'model') <= 200
                        and l.value -> 'minutes' in ('15', '60', '1440')
                        and jsonb_typeof(l.value -> 'limit') = 'number'
                        and case l.value ->> 'kind'
                            when 'error_rate' then (l.value -> 'limit')::numeric between 0.1 and 100
                            when 'latency' then (l.value -> 'limit')::numeric between 1 and 3600000
                        end
                        and jsonb_typeof(l.value -> 'requests') = 'number'
                        and (l.value -> 'requests')::numeric between 1 and 1000000
                        and (l.value -> 'requests')::numeric % 1 = 0,
                        false
                    )
            )
            and (
                select count(*) = count(distinct jsonb_build_array(l.value -> 'kind', l.value -> 'model', l.value -> 'minutes'))
                from jsonb_array_elements(limits) as l (value)
            )
        else false
    end
$$;
revoke all on function private.are_model_limits(jsonb) from public;

-- Sets the limits of models, all of them.
create or replace function public.set_model_limits(workspace uuid, limits jsonb)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
begin
    if limits is null or not private.are_model_limits(limits) then
        raise exception 'Give up to 20 limits: one for each kind, model and window, with a limit and a number of requests.'
            using errcode = '22023';
    end if;
    update public.workspaces as w set model_limits = limits where w.id = tenant;
end
$$;
revoke all on function public.set_model_limits(uuid, jsonb) from public, anon, service_role;
grant execute on function public.set_model_limits(uuid, jsonb) to authenticated;

-- How each model of a workspace did in the minutes before a moment.
create or replace function private.model_health(tenant uuid, minutes integer, moment timestamptz)
returns table (
    provider text, provider_title text, model_name text, requests bigint, failed bigint, timed bigint, p95_ms bigint
)
language sql
stable
rows 100
set search_path = ''
as $$
    select
        p.name, p.display_name, c.model_name, count(*), count(*) filter (where c.status <> 'ok'),
        count(c.duration_ms) filter (where c.status = 'ok'),
        percentile_disc(0.95) within group (order by c.duration_ms) filter (where c.status = 'ok')
    from private.model_calls(tenant, moment - minutes * interval '1 minute', moment, null, '{}', null) as c
    inner join public.providers as p on c.provider_id = p.id
    group by p.name, p.display_name, c.model_name
$$;
revoke all on function private.model_health(uuid, integer, timestamptz) from public;
