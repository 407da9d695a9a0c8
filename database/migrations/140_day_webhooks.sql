-- 140_day_webhooks.sql: the costs of a day for a webhook, so that other systems need not ask: once the day is over, and again
-- when its costs change.

-- What was delivered to whom: days whose costs are the same now are not sent again.
create table if not exists private.sent_days (
    workspace_id uuid not null,
    channel_id uuid not null,
    day date not null,
    digest text not null, -- of all figures
    revision integer not null check (revision >= 1),
    sent_at timestamptz not null default now(),
    primary key (channel_id, day),
    constraint sent_days_channel foreign key (workspace_id, channel_id)
    references public.channels (workspace_id, id) on delete cascade
);
alter table private.sent_days enable row level security;
revoke all on private.sent_days from public, anon, authenticated, service_role;

-- For how many days back changes are told: bills come late.
create or replace function private.told_days()
returns integer
language sql
immutable
set search_path = ''
as $$
    select 100
$$;
revoke all on function private.told_days() from public;

-- Sums of a workspace's days without people.
create or replace function private.sums_of_days(tenant uuid, first_day date, last_day date)
returns table (
    day date, provider text, model text, project_id uuid, cost_basis text, charge_type text, cost_usd numeric, tokens numeric,
    input_tokens numeric, output_tokens numeric, cached_input_tokens numeric, cache_write_tokens numeric,
    reasoning_tokens numeric, requests numeric, records numeric, unpriced_records numeric
)
language plpgsql
stable
set search_path = ''
as $$
begin
    return query
    select
        d.date, d.provider, d.model_name, nullif(d.project_id, '00000000-0000-0000-0000-000000000000'), d.cost_basis,
        d.charge_type, sum(d.total_cost_usd), sum(d.total_tokens), sum(d.total_input_tokens), sum(d.total_output_tokens),
        sum(d.total_cached_input_tokens), sum(d.total_cache_write_tokens), sum(d.total_reasoning_tokens), sum(d.total_requests),
        sum(d.record_count), sum(d.unpriced_count)
    from private.present_days(tenant, first_day, last_day) as d
    group by 1, 2, 3, 4, 5, 6;
end
$$;
revoke all on function private.sums_of_days(uuid, date, date) from public;

-- The digests of the days that have costs.
create or replace function private.digests_of_days(tenant uuid, first_day date, last_day date)
returns table (day date, digest text)
language plpgsql
stable
set search_path = ''
as $$
begin
    return query
    select
        s.day,
        md5(
            private.timezone_of(tenant)
            || string_agg(
                s::text, ';' order by s.provider, s.model, s.project_id, s.cost_basis, s.charge_type
            )
        )
    from private.sums_of_days(tenant, first_day, last_day) as s
    group by s.day;
end
$$;
revoke all on function private.digests_of_days(uuid, date, date) from public;

-- The days that a channel has not got as they are now: closed ones, for as long as bills come, without those on their way and
-- those that failed within hours.
create or replace function private.days_to_send(channel public.channels)
returns setof date
language plpgsql
stable
set search_path = ''
as $$
declare
    last_day constant date := (now() at time zone private.timezone_of(channel.workspace_id))::date - 1;
    first_day constant date := greatest(channel.sends_days_from, last_day - private.told_days() + 1);
begin
    return query
    select n.day::date
    from generate_series(first_day, last_day, interval '1 day') as n (day)
    left join private.digests_of_days(channel.workspace_id, first_day, last_day) as d on n.day = d.day
    left join private.sent_days as s on s.channel_id = channel.id and n.day = s.day
    where
        s.digest is distinct from coalesce(d.digest, '')
        and not exists (
            select
            from public.deliveries as o
            where
                o.channel_id = channel.id and o.day = n.day
                and (o.state in ('waiting', 'held') or o.state = 'failed' and o.created_at > now() - interval '6 hours')
        )
    order by 1;
end
$$;
revoke all on function private.days_to_send(public.channels) from public;

-- Puts a message for each of these days into the queue of deliveries; returns how many. A workspace whose days cannot be summed
-- up stops no other.
create or replace function private.enqueue_days()
returns integer
language plpgsql
set search_path = ''
as $$
declare
    channel public.channels;
    added integer;
    enqueued integer := 0;
begin
    for channel in
        select c.*
        from public.channels as c
        where c.sends_days_from is not null and c.verified_at is not null and c.paused_at is null and c.disabled_at is null
        order by c.id
    loop
        begin
            insert into public.deliveries (workspace_id, channel_id, channel_name, kind, day)
            select channel.workspace_id, channel.id, channel.name, 'day', d
            from private.days_to_send(channel) as d
            on conflict do nothing;
            get diagnostics added = row_count;
            enqueued := enqueued + added;
        exception
            when query_canceled or admin_shutdown then raise;
            when others then raise warning 'Days of channel % could not be summed up: %', channel.id, sqlerrm;
        end;
    end loop;
    return enqueued;
end
$$;
revoke all on function private.enqueue_days() from public;

-- A day as it is told: {figures, digest}. The dearest 2,000 groups stand alone, the others are one; the sums are the totals.
create or replace function private.describe_day(channel uuid, told date)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
    tenant constant uuid := (select c.workspace_id from public.channels as c where c.id = channel);
    digest constant text := (select d.digest from private.digests_of_days(tenant, told, told) as d);
begin
    return jsonb_build_object(
        'digest', coalesce(digest, ''),
        'figures', jsonb_build_object(
            'workspace_id', tenant,
            'workspace', (select w.name from public.workspaces as w where w.id = tenant),
            'day', told,
            'timezone', private.timezone_of(tenant),
            'currency', 'USD',
            'revision', coalesce((select s.revision from private.sent_days as s where s.channel_id = channel and s.day = told), 0) + 1
        ) || private.figures_of_day(tenant, told)
    );
end
$$;
revoke all on function private.describe_day(uuid, date) from public;

-- Its totals by basis, and its costs; money as text.
create or replace function private.figures_of_day(tenant uuid, told date)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    return (
        with ranked as materialized (
            select
                s.*,
                row_number() over (
                    order by s.cost_usd desc nulls last, s.provider, s.model, s.project_id, s.cost_basis, s.charge_type
                ) > 2000 as is_rest
            from private.sums_of_days(tenant, told, told) as s
        ),

        shown as (
            select
                not r.is_rest as stands_alone, min(r.provider) as provider, min(r.model) as model,
                min(r.project_id::text)::uuid as project_id, min(r.cost_basis) as cost_basis, min(r.charge_type) as charge_type,
                sum(r.cost_usd) as cost_usd, sum(r.tokens) as tokens, sum(r.input_tokens) as input_tokens,
                sum(r.output_tokens) as output_tokens, sum(r.cached_input_tokens) as cached_input_tokens,
                sum(r.cache_write_tokens) as cache_write_tokens, sum(r.reasoning_tokens) as reasoning_tokens,
                sum(r.requests) as requests, sum(r.records) as records, sum(r.unpriced_records) as unpriced_records,
                count(*) as members
            from ranked as r
            group by
                r.is_rest, r.cost_basis, r.charge_type, case when not r.is_rest then r.provider end,
                case when not r.is_rest then r.model end, case when not r.is_rest then r.project_id end
        )

        select
            jsonb_build_object(
                'totals', jsonb_build_object(
                    'spend', coalesce(sum(s.cost_usd) filter (where s.cost_basis <> 'included'), 0)::text,
                    'billed', coalesce(sum(s.cost_usd) filter (where s.cost_basis = 'billed'), 0)::text,
                    'estimated', coalesce(sum(s.cost_usd) filter (where s.cost_basis = 'estimated'), 0)::text,
                    'included', coalesce(sum(s.cost_usd) filter (where s.cost_basis = 'included'), 0)::text,
                    'tokens', coalesce(sum(s.tokens), 0), 'requests', coalesce(sum(s.requests), 0),
                    'records', coalesce(sum(s.records), 0), 'unpriced_records', coalesce(sum(s.unpriced_records), 0)
                ),
                'costs', coalesce(
                    jsonb_agg(
                        case when s.stands_alone then jsonb_build_object(
                            'provider', s.provider, 'model', s.model, 'project_id', s.project_id, 'project', p.name
                        ) else jsonb_build_object('other_groups', s.members) end || jsonb_build_object(
                            'cost_basis', s.cost_basis, 'charge_type', s.charge_type, 'cost_usd', s.cost_usd::text,
                            'tokens', s.tokens, 'input_tokens', s.input_tokens, 'output_tokens', s.output_tokens,
                            'cached_input_tokens', s.cached_input_tokens, 'cache_write_tokens', s.cache_write_tokens,
                            'reasoning_tokens', s.reasoning_tokens, 'requests', s.requests, 'records', s.records,
                            'unpriced_records', s.unpriced_records
                        )
                        order by s.stands_alone desc, s.cost_usd desc nulls last, s.provider, s.model, p.name
                    ), '[]'
                )
            )
        from shown as s
        left join public.projects as p on s.project_id = p.id
    );
end
$$;
revoke all on function private.figures_of_day(uuid, date) from public;

-- Notes that a channel got a day.
create or replace function private.note_sent_day(channel uuid, told date, told_digest text)
returns void
language plpgsql
set search_path = ''
as $$
begin
    insert into private.sent_days (workspace_id, channel_id, day, digest, revision)
    select c.workspace_id, c.id, told, told_digest, 1 from public.channels as c where c.id = channel
    on conflict (channel_id, day) do update
        set digest = excluded.digest, revision = sent_days.revision + 1, sent_at = now();
    delete from private.sent_days as s where s.channel_id = channel and s.day < current_date - 2 * private.told_days();
end
$$;
revoke all on function private.note_sent_day(uuid, date, text) from public;
