-- 012_prices.sql: what a person says a model costs, and pricing anew what has no bill.

-- public.model_prices: US dollars a million tokens, for one model of one provider from a day of the person's on. Used where the
-- price list knows none; where `replaces_list` is set, in its place.
create table if not exists public.model_prices (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
    provider_id uuid not null references public.providers (id),
    model_name text not null check (length(model_name) between 1 and 200),
    valid_from date not null default date '2020-01-01',
    input_usd_per_mtok numeric(18, 10) not null,
    output_usd_per_mtok numeric(18, 10) not null,
    cached_input_usd_per_mtok numeric(18, 10), -- null = as any input
    cache_write_usd_per_mtok numeric(18, 10), -- null = as any input
    cache_write_1h_usd_per_mtok numeric(18, 10), -- null = as any cache write
    request_usd numeric(18, 10) not null default 0,
    replaces_list boolean not null default false,
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 65536),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint model_prices_once unique (user_id, provider_id, model_name, valid_from),
    constraint model_prices_not_negative check (
        0 <= least(
            input_usd_per_mtok, output_usd_per_mtok, cached_input_usd_per_mtok, cache_write_usd_per_mtok,
            cache_write_1h_usd_per_mtok, request_usd
        )
        and greatest(
            input_usd_per_mtok, output_usd_per_mtok, cached_input_usd_per_mtok, cache_write_usd_per_mtok,
            cache_write_1h_usd_per_mtok, request_usd
        ) <= 1000000 -- leaves out NaN too, which is greater than any number
    )
);
create index if not exists model_prices_provider_id_idx on public.model_prices (provider_id);
alter table public.model_prices enable row level security;
revoke all on public.model_prices from anon, authenticated, service_role;
grant select, insert, update, delete on public.model_prices to authenticated;
grant select, insert, update, delete on public.model_prices to service_role;

drop policy if exists model_prices_select_own on public.model_prices;
create policy model_prices_select_own
    on public.model_prices
    for select
    to authenticated
    using ((select auth.uid()) = user_id);

drop policy if exists model_prices_insert_own on public.model_prices;
create policy model_prices_insert_own
    on public.model_prices
    for insert
    to authenticated
    with check ((select auth.uid()) = user_id);

drop policy if exists model_prices_update_own on public.model_prices;
create policy model_prices_update_own
    on public.model_prices
    for update
    to authenticated
    using ((select auth.uid()) = user_id)
    with check ((select auth.uid()) = user_id);

drop policy if exists model_prices_delete_own on public.model_prices;
create policy model_prices_delete_own
    on public.model_prices
    for delete
    to authenticated
    using ((select auth.uid()) = user_id);

create or replace trigger model_prices_touch
    before update on public.model_prices
    for each row execute function private.touch_updated_at();

-- Part of the person's data version.
create or replace trigger model_prices_note_inserted
    after insert on public.model_prices
    referencing new table as changed
    for each statement execute function private.note_job_change();
create or replace trigger model_prices_note_updated
    after update on public.model_prices
    referencing new table as changed
    for each statement execute function private.note_job_change();
create or replace trigger model_prices_note_deleted
    after delete on public.model_prices
    referencing old table as changed
    for each statement execute function private.note_job_change();

-- Few records are without a price: this finds them without reading the others.
create index if not exists cost_records_unpriced_idx on public.cost_records (user_id) where cost_usd is null;

-- The caller's models without a price.
create or replace function public.unpriced_models()
returns table (
    provider text,
    model_name text,
    records bigint,
    tokens bigint,
    requests bigint,
    first_at timestamptz,
    last_at timestamptz
)
language sql
stable
security invoker
set search_path = ''
as $$
    select
        p.name,
        r.model_name,
        count(*),
        sum(r.tokens_used)::bigint,
        sum(r.request_count)::bigint,
        min(r.timestamp),
        max(r.timestamp)
    from public.cost_records as r
    inner join public.providers as p on r.provider_id = p.id
    where r.user_id = (select auth.uid()) and r.cost_usd is null
    group by p.name, r.model_name
    order by 3 desc, 1, 2
$$;
revoke all on function public.unpriced_models() from public, anon, service_role;
grant execute on function public.unpriced_models() to authenticated;

-- A page of the caller's records whose cost a price list made, or nothing did: neither a bill nor a person nor a tool's own word.
-- As their sources said them: where figures do not count, they are in metadata.said. In order of (timestamp, id), behind the one
-- that is given.
create or replace function public.list_estimates(since timestamptz, after_id uuid, page_size integer)
returns json
language sql
stable
security invoker
set search_path = ''
as $$
    select coalesce(json_agg(e), '[]')
    from (
        select
            r.id,
            r.timestamp,
            p.name as provider,
            r.model_name,
            r.cost_basis,
            s.cost_usd,
            coalesce((s.said ->> 'input_tokens')::bigint, r.input_tokens) as input_tokens,
            coalesce((s.said ->> 'output_tokens')::bigint, r.output_tokens) as output_tokens,
            coalesce((s.said ->> 'cached_input_tokens')::bigint, r.cached_input_tokens) as cached_input_tokens,
            coalesce((s.said ->> 'cache_write_tokens')::bigint, r.cache_write_tokens) as cache_write_tokens,
            coalesce((s.said ->> 'request_count')::bigint, r.request_count) as request_count,
            r.cost_usd is distinct from s.cost_usd::numeric as is_set_aside,
            r.metadata - 'said' as metadata
        from public.cost_records as r
        inner join public.providers as p on r.provider_id = p.id
        cross join lateral (
            select
                r.metadata -> 'said' as said,
                case when r.metadata ? 'said' then r.metadata #>> '{said,cost_usd}' else r.cost_usd::text end as cost_usd
        ) as s
        where
            r.user_id = (select auth.uid())
            and r.timestamp >= since
            and (list_estimates.after_id is null or (r.timestamp, r.id) > (since, list_estimates.after_id))
            and r.cost_basis in ('estimated', 'included')
            and r.charge_type = 'usage'
            and (s.cost_usd is null or r.metadata ->> 'price_source' in ('genai-prices', 'own'))
        order by r.timestamp, r.id
        limit least(page_size, 5000)
    ) as e
$$;
revoke all on function public.list_estimates(timestamptz, uuid, integer) from public, anon, service_role;
grant execute on function public.list_estimates(timestamptz, uuid, integer) to authenticated;

-- What a caller sends of a record that is priced anew.
do $$
begin
    if to_regtype('public.price_change') is null then
        create type public.price_change as (
            id uuid,
            timestamp timestamptz,
            was_usd numeric(18, 10), -- as its source said; a record that says something else by now is left alone
            cost_usd numeric(18, 10),
            price jsonb -- the keys price_source, price_version, price_model and price_note
        );
    end if;
end
$$;

-- Prices up to 5,000 of the caller's records anew; what the caller may not price is skipped. Calls with the same run id are one
-- entry of the audit log, which counts what was applied: a run that is broken off has an entry that is true. A definer for the
-- sake of that entry, which nobody else may write.
create or replace function public.apply_prices(run_id uuid, changes json)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
    caller constant uuid := auth.uid();
    applied bigint;
    before_usd numeric;
    after_usd numeric;
begin
    if caller is null then
        raise exception 'Sign in to price records.' using errcode = '42501';
    end if;
    if run_id is null or json_typeof(changes) is distinct from 'array' or json_array_length(changes) > 5000 then
        raise exception 'Changes must be an array of at most 5,000 objects.' using errcode = '22023';
    end if;
    -- As a save that restates: one at a time, and no change of the timezone meanwhile.
    perform pg_advisory_xact_lock_shared(hashtextextended('tally.timezone.' || caller::text, 0));
    perform pg_advisory_xact_lock(hashtextextended('tally.save.' || caller::text, 0));

    with priced as (
        update public.cost_records as r
        set
            cost_usd = case when r.metadata ? 'said' then r.cost_usd else c.cost_usd end,
            metadata = case
                when r.metadata ? 'said'
                    then jsonb_set(r.metadata, '{said,cost_usd}', coalesce(to_jsonb(c.cost_usd::text), 'null'))
                else r.metadata
            end
            - array['price_source', 'price_version', 'price_model', 'price_note']
            || k.price
        from json_populate_recordset(null::public.price_change, changes) as c
        cross join lateral (
            select coalesce(jsonb_object_agg(e.key, e.value), '{}') as price
            from jsonb_each(c.price) as e
            where
                e.key in ('price_source', 'price_version', 'price_model', 'price_note')
                and jsonb_typeof(e.value) = 'string'
                and length(e.value #>> '{}') <= 500
        ) as k
        where
            r.id = c.id
            and r.timestamp = c.timestamp
            and r.user_id = caller
            and r.cost_basis in ('estimated', 'included')
            and r.charge_type = 'usage'
            and case when r.metadata ? 'said' then (r.metadata #>> '{said,cost_usd}')::numeric else r.cost_usd end
            is not distinct from c.was_usd
            and (c.was_usd is null or r.metadata ->> 'price_source' in ('genai-prices', 'own'))
            and (c.cost_usd is null or c.cost_usd >= 0)
        returning c.was_usd, c.cost_usd
    )

    select
        count(*),
        coalesce(sum(p.was_usd), 0),
        coalesce(sum(p.cost_usd), 0)
    into applied, before_usd, after_usd
    from priced as p;

    if applied > 0 then
        update public.audit_logs as a
        set metadata = jsonb_build_object(
            'records', (a.metadata ->> 'records')::bigint + applied,
            'before_usd', ((a.metadata ->> 'before_usd')::numeric + before_usd)::text,
            'after_usd', ((a.metadata ->> 'after_usd')::numeric + after_usd)::text
        )
        where a.user_id = caller and a.action = 'reprice' and a.row_id = run_id;
        if not found then
            perform private.write_audit(
                caller, 'reprice', 'cost_records', run_id, array['cost_usd'],
                jsonb_build_object('records', applied, 'before_usd', before_usd::text, 'after_usd', after_usd::text)
            );
        end if;
    end if;
    return json_build_object('applied', applied, 'skipped', json_array_length(changes) - applied);
end
$$;
revoke all on function public.apply_prices(uuid, json) from public, anon, service_role;
grant execute on function public.apply_prices(uuid, json) to authenticated;
