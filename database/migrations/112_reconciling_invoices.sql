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

-- What usage cost by day in a zone, of one provider: raw records, since totals have the workspace's days.
create or replace function private.usage_by_day(tenant uuid, provider uuid, zone text, first_day date, last_day date)
returns table (day date, cost_usd numeric)
language plpgsql -- its plan is kept
stable
rows 400
set search_path = ''
as $$
begin
    return query
    select coalesce(r.day, (r.timestamp at time zone zone)::date), sum(r.cost_usd)
    from public.cost_records as r
    where
        r.workspace_id = tenant
        and r.provider_id = provider
        and r.timestamp >= (first_day - 1)::timestamp at time zone 'UTC'
        and r.timestamp < (last_day + 2)::timestamp at time zone 'UTC'
        and coalesce(r.day, (r.timestamp at time zone zone)::date) between first_day and last_day
        and r.cost_basis <> 'included'
        and r.charge_type = 'usage'
        and r.money_is_effective
    group by 1;
end
$$;
revoke all on function private.usage_by_day(uuid, uuid, text, date, date) from public;

-- The usage of an invoice's period: in the provider's days, in the workspace's, and of the last day alone, in US dollars.
create or replace function private.usage_of_invoice(of_invoice public.invoices)
returns table (usage_usd numeric, local_usd numeric, last_day_usd numeric, zone text)
language plpgsql
stable
rows 1
set search_path = ''
as $$
declare
    billed_zone constant text := private.billing_zone(
        (select p.name from public.providers as p where p.id = (of_invoice).provider_id)
    );
    local_zone constant text := private.timezone_of((of_invoice).workspace_id);
begin
    return query
    select
        coalesce(sum(d.cost_usd) filter (where d.billed_day between d.first_day and d.last_day), 0),
        coalesce(sum(d.cost_usd) filter (where d.local_day between d.first_day and d.last_day), 0),
        coalesce(sum(d.cost_usd) filter (where d.billed_day = d.last_day), 0),
        billed_zone
    from (
        select
            r.cost_usd,
            coalesce(r.day, (r.timestamp at time zone billed_zone)::date) as billed_day,
            coalesce(r.day, (r.timestamp at time zone local_zone)::date) as local_day,
            (of_invoice).period_start as first_day,
            (of_invoice).period_end as last_day
        from public.cost_records as r
        where
            r.workspace_id = (of_invoice).workspace_id
            and r.provider_id = (of_invoice).provider_id
            and r.timestamp >= ((of_invoice).period_start - 1)::timestamp at time zone 'UTC'
            and r.timestamp < ((of_invoice).period_end + 2)::timestamp at time zone 'UTC'
            and r.cost_basis <> 'included'
            and r.charge_type = 'usage'
            and r.money_is_effective
    ) as d;
end
$$;
revoke all on function private.usage_of_invoice(public.invoices) from public;

-- The usage behind invoices of usage: [{id, usage_usd, local_usd, last_day_usd, zone}], amounts as text.
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
begin
    if private.only_own_totals(tenant) is not null then
        return '[]'::json;
    end if;
    return (
        select coalesce(
            json_agg(
                json_build_object(
                    'id', i.id, 'usage_usd', u.usage_usd::text, 'local_usd', u.local_usd::text,
                    'last_day_usd', u.last_day_usd::text, 'zone', u.zone
                )
            ),
            '[]'
        )
        from public.invoices as i
        cross join lateral private.usage_of_invoice(i) as u
        where i.workspace_id = tenant and i.kind = 'usage' and i.id = any ($2[:100])
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
                    select coalesce(json_agg(json_build_object('day', u.day, 'cost_usd', u.cost_usd::text) order by u.day), '[]')
                    from private.usage_by_day(
                        tenant, c.id, private.billing_zone(c.name), c.first_day, (now() at time zone 'UTC')::date
                    ) as u
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
