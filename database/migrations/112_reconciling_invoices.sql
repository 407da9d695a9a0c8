-- 112_reconciling_invoices.sql: the usage that invoices are compared with, and the usage that prepaid credits pay.

-- The zone in which a provider's bills have their days.
create or replace function private.billing_zone(provider text)
returns text
language sql
immutable
set search_path = ''
as $$
    select case when provider in ('google', 'gemini-app') then 'America/Los_Angeles' else 'UTC' end
$$;
revoke all on function private.billing_zone(text) from public;

-- What usage of a provider between two instants cost, by the days that it has in two zones. Raw records, since totals have the
-- workspace's days; summed up by quarter of an hour first, as no zone divides one. Measured: 48 invoices of a year with a
-- million records take 1.8 s; with two days of each record, 12 of them took 5.2.
create or replace function private.usage_by_days(
    tenant uuid, provider uuid, zones text[], since timestamptz, until timestamptz
)
returns table (billed_day date, local_day date, cost_usd numeric)
language plpgsql -- its plan is kept
stable
rows 100
set search_path = ''
as $$
begin
    return query
    select
        coalesce(s.day, (s.quarter at time zone zones[1])::date),
        coalesce(s.day, (s.quarter at time zone zones[2])::date),
        sum(s.cost_usd)
    from (
        select r.day, date_bin('15 minutes', r.timestamp, timestamptz '2020-01-01T00:00Z') as quarter, sum(r.cost_usd) as cost_usd
        from public.cost_records as r
        where
            r.workspace_id = tenant
            and r.provider_id = provider
            and r.timestamp >= since
            and r.timestamp < until
            and r.cost_basis <> 'included'
            and r.charge_type = 'usage'
            and r.money_is_effective
        group by 1, 2
    ) as s
    group by 1, 2
    union all
    select a.date, a.date, sum(a.total_cost_usd) -- archived: by the workspace's days alone
    from private.archived_days as a
    where
        a.workspace_id = tenant
        and a.provider_id = usage_by_days.provider
        and a.date >= (since at time zone zones[2])::date
        and a.date < (until at time zone zones[2])::date
        and a.cost_basis <> 'included'
        and a.charge_type = 'usage'
    group by a.date;
end
$$;
revoke all on function private.usage_by_days(uuid, uuid, text[], timestamptz, timestamptz) from public;

-- The usage behind invoices of usage: [{id, usage_usd, local_usd, last_day_usd, zone}], amounts as text: of the period in the
-- provider's days, in the workspace's, and of the last day alone. The records of a month are read once for all invoices.
create or replace function public.invoice_usage(workspace uuid, invoices uuid[])
returns json
language plpgsql
stable
security definer
set search_path = ''
set statement_timeout = '30s' -- PostgREST applies it: all records of the periods are read
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    local_zone constant text := private.timezone_of(tenant);
begin
    if private.only_own_totals(tenant) is not null then
        return '[]'::json;
    end if;
    return (
        with wanted as materialized (
            select i.id, i.provider_id, i.period_start, i.period_end, private.billing_zone(p.name) as zone
            from public.invoices as i
            inner join public.providers as p on i.provider_id = p.id
            where i.workspace_id = tenant and i.kind = 'usage' and i.id = any ($2[:100])
        ),

        months as materialized (
            select distinct w.provider_id, w.zone, m.month
            from wanted as w
            cross join lateral generate_series(
                date_trunc('month', (w.period_start - 1)::timestamp), (w.period_end + 1)::timestamp, interval '1 month'
            ) as m (month)
        ),

        days as materialized (
            select m.provider_id, u.billed_day, u.local_day, u.cost_usd
            from months as m
            cross join lateral private.usage_by_days(
                tenant, m.provider_id, array[m.zone, local_zone],
                m.month at time zone 'UTC', (m.month + interval '1 month') at time zone 'UTC'
            ) as u
        )

        select coalesce(
            json_agg(
                json_build_object(
                    'id', w.id, 'usage_usd', u.usage_usd::text, 'local_usd', u.local_usd::text,
                    'last_day_usd', u.last_day_usd::text, 'zone', w.zone
                )
            ),
            '[]'
        )
        from wanted as w
        cross join lateral (
            select
                coalesce(sum(d.cost_usd) filter (where d.billed_day between w.period_start and w.period_end), 0) as usage_usd,
                coalesce(sum(d.cost_usd) filter (where d.local_day between w.period_start and w.period_end), 0) as local_usd,
                coalesce(sum(d.cost_usd) filter (where d.billed_day = w.period_end), 0) as last_day_usd
            from days as d
            where d.provider_id = w.provider_id
        ) as u
    );
end
$$;
revoke all on function public.invoice_usage(uuid, uuid[]) from public, anon, service_role;
grant execute on function public.invoice_usage(uuid, uuid[]) to authenticated;

-- The purchases of credits of a workspace by provider, and the usage since the first: [{provider, purchases, days}].
create or replace function private.credit_facts(tenant uuid)
returns json
language sql
stable
set search_path = ''
as $$
    select coalesce(
        json_agg(
            json_build_object(
                'provider', c.name,
                'purchases', c.purchases,
                'days', (
                    select
                        coalesce(
                            json_agg(json_build_object('day', u.billed_day, 'cost_usd', u.cost_usd::text) order by u.billed_day), '[]'
                        )
                    from private.usage_by_days(
                        tenant, c.id, array[private.billing_zone(c.name), private.billing_zone(c.name)],
                        (c.first_day - 1)::timestamp at time zone 'UTC', now() + interval '1 day'
                    ) as u
                    where u.billed_day >= c.first_day
                )
            )
            order by c.name
        ),
        '[]'
    )
    from (
        select
            p.id, p.name, min(i.issued_on) as first_day,
            json_agg(
                json_build_object(
                    'bought_on', coalesce(i.paid_on, i.issued_on),
                    'expires_on', i.expires_on,
                    'amount_usd', round((i.subtotal + i.discount) * i.usd_rate, 10)::text
                )
                order by i.issued_on, i.number
            ) as purchases
        from public.invoices as i
        inner join public.providers as p on i.provider_id = p.id
        where
            i.workspace_id = tenant and i.kind = 'credits' and i.usd_rate is not null and i.decision is distinct from 'ignored'
        group by p.id
    ) as c
$$;
revoke all on function private.credit_facts(uuid) from public;

create or replace function public.prepaid_credits(workspace uuid default null)
returns json
language plpgsql
stable
security definer
set search_path = ''
set statement_timeout = '30s' -- PostgREST applies it: all records since the first purchase are read
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
begin
    if private.only_own_totals(tenant) is not null then
        return '[]'::json;
    end if;
    return private.credit_facts(tenant);
end
$$;
revoke all on function public.prepaid_credits(uuid) from public, anon, service_role;
grant execute on function public.prepaid_credits(uuid) to authenticated;
