-- 010_reconciliation.sql: several sources tell of one account's day: a bill, a usage export, the logs of a coding agent. Here is
-- decided whose money and whose tokens count. Nothing is thrown away, so that any source can go again and leave no trace.

-- A record whose figures do not count keeps its own words in metadata.said; what reads them may trust their form.
alter table public.cost_records drop constraint if exists cost_records_said;
alter table public.cost_records add constraint cost_records_said check (
    case
        when metadata ? 'said'
            then coalesce(
                (
                    metadata #> '{said,cost_usd}' = 'null'
                    or metadata #>> '{said,cost_usd}' ~ '^-?[0-9]{1,8}([.][0-9]{1,10})?$'
                )
                and (metadata #>> '{said,tokens_used}')
                || ' ' || (metadata #>> '{said,input_tokens}')
                || ' ' || (metadata #>> '{said,output_tokens}')
                || ' ' || (metadata #>> '{said,cached_input_tokens}')
                || ' ' || (metadata #>> '{said,cache_write_tokens}')
                || ' ' || (metadata #>> '{said,reasoning_tokens}')
                || ' ' || (metadata #>> '{said,request_count}') ~ '^([0-9]{1,18} ){6}[0-9]{1,18}$',
                false
            )
        else true
    end
);

-- What a plan covers has a worth, which may be unknown like any price.
alter table public.cost_records drop constraint if exists cost_records_cost;
alter table public.cost_records add constraint cost_records_cost check (
    case
        when cost_usd is null then cost_basis in ('estimated', 'included') -- unpriced
        when cost_usd >= 0 then cost_usd <> 'NaN'
        else charge_type in ('credit', 'adjustment')
    end
);

-- A record as its source said it, whether or not its figures count.
create or replace function private.own_words(said public.cost_records)
returns public.cost_records
language sql
immutable
set search_path = ''
as $$
    select
        case
            when said.metadata ? 'said'
                then jsonb_populate_record(
                    said, (said.metadata -> 'said') || jsonb_build_object('metadata', said.metadata - 'said')
                )
            else said
        end
$$;
revoke all on function private.own_words(public.cost_records) from public;

-- One name for one model: a bill may name the dated version where a log does not. Empty for a sum over all models.
create or replace function private.model_key(model_name text)
returns text
language sql
immutable
set search_path = ''
as $$
    select
        case
            when model_name = '(unspecified)' then ''
            else lower(regexp_replace(model_name, '[-@](20[0-9]{2}-?[01][0-9]-?[0-3][0-9]|latest)$', ''))
        end
$$;
revoke all on function private.model_key(text) from public;

-- Whose word is taken first: of two bills the provider's API's, of two equal counts of tokens the better kept one's.
create or replace function private.authorities()
returns text[]
language sql
immutable
set search_path = ''
as $$
    select array['api_automated', 'csv_import', 'manual_entry', 'otlp', 'local_log']
$$;
revoke all on function private.authorities() from public;

-- Whose figures count on these pages. A page (an account's UTC day) falls into units, its models, or, where somebody sums up all
-- models, the day. In a unit, one dataset's bill is the money, and estimates are money only where there is no bill. What is
-- billed under a name that its usage does not tell (metadata.billed_under_other_name) is in any bill of the day. Tokens, and the
-- money of estimates, are those of the dataset that saw the most tokens: one that saw fewer missed some.
create or replace function private.settle(pages private.ledger_page[])
returns void
language plpgsql
set search_path = ''
set plan_cache_mode = force_custom_plan -- the months that matter are few of many
set enable_nestloop = off -- how many records a day has is guessed far too low; measured, 400 against 70 ms
as $$
declare
    account record;
begin
    for account in
        select
            p.user_id,
            p.ledger,
            array_agg(p.day) as days,
            min(p.day)::timestamp at time zone 'UTC' as first_at,
            (max(p.day) + 1)::timestamp at time zone 'UTC' as last_at
        from unnest(pages) as p
        group by p.user_id, p.ledger
        order by p.user_id, p.ledger
    loop
        with spoken as (
            select
                r.id,
                r.timestamp,
                (r.timestamp at time zone 'UTC')::date as day,
                private.model_key(r.model_name) as model,
                coalesce(r.metadata ->> 'dataset', 'requests') as dataset,
                array_position(private.authorities(), r.collection_method) as authority,
                r.cost_basis,
                r.metadata -> 'billed_under_other_name' = 'true' as has_other_name,
                r as present,
                case when r.metadata ? 'said' then private.own_words(r) else r end as own
            from public.cost_records as r
            where
                r.user_id = account.user_id
                and r.timestamp >= account.first_at
                and r.timestamp < account.last_at
                and (r.timestamp at time zone 'UTC')::date = any (account.days)
                and r.metadata ->> 'ledger' = account.ledger
        ),

        united as (
            select
                s.*,
                bool_or(s.cost_basis = 'billed') over page as is_billed,
                case when bool_or(s.model = '' and s.cost_basis = 'billed') over page then '' else s.model end as bill_unit,
                case
                    when bool_or(s.model = '' and (s.own).tokens_used + (s.own).request_count > 0) over page then ''
                    else s.model
                end as use_unit
            from spoken as s
            window page as (partition by s.day)
        ),

        bills as (
            select distinct on (b.day, b.bill_unit) b.day, b.bill_unit, b.dataset
            from united as b
            where b.cost_basis = 'billed'
            order by b.day, b.bill_unit, b.authority, b.dataset
        ),

        uses as (
            select distinct on (u.day, u.use_unit) u.day, u.use_unit, u.dataset
            from (
                select
                    t.day,
                    t.use_unit,
                    t.dataset,
                    min(t.authority) as authority,
                    sum((t.own).tokens_used) as tokens,
                    sum((t.own).request_count) as requests,
                    bool_or(t.cost_basis <> 'billed') as has_estimates
                from united as t
                group by t.day, t.use_unit, t.dataset
            ) as u
            where u.tokens + u.requests > 0 or u.has_estimates
            order by
                u.day, u.use_unit, u.tokens desc, u.dataset = 'requests' desc, u.requests desc, u.authority, u.dataset
        ),

        judged as (
            select
                s.*,
                case s.cost_basis
                    when 'billed' then s.dataset = b.dataset
                    when 'estimated'
                        then b.dataset is null and s.dataset = u.dataset and not (s.is_billed and coalesce(s.has_other_name, false))
                    else s.dataset = u.dataset
                end as has_money,
                coalesce(s.dataset = u.dataset, true) as has_tokens
            from united as s
            left join bills as b on s.day = b.day and s.bill_unit = b.bill_unit
            left join uses as u on s.day = u.day and s.use_unit = u.use_unit
        ),

        counted as (
            select
                j.*,
                case when j.has_money then (j.own).cost_usd else 0 end as cost_usd,
                j.has_tokens::integer as share,
                case
                    when
                        not (j.has_money or coalesce((j.own).cost_usd = 0, false))
                        or not (j.has_tokens or (j.own).tokens_used + (j.own).request_count = 0)
                        then jsonb_build_object(
                            'cost_usd', (j.own).cost_usd::text,
                            'tokens_used', (j.own).tokens_used,
                            'input_tokens', (j.own).input_tokens,
                            'output_tokens', (j.own).output_tokens,
                            'cached_input_tokens', (j.own).cached_input_tokens,
                            'cache_write_tokens', (j.own).cache_write_tokens,
                            'reasoning_tokens', (j.own).reasoning_tokens,
                            'request_count', (j.own).request_count
                        )
                end as said
            from judged as j
        )

        update public.cost_records as r
        set
            cost_usd = c.cost_usd,
            tokens_used = (c.own).tokens_used * c.share,
            input_tokens = (c.own).input_tokens * c.share,
            output_tokens = (c.own).output_tokens * c.share,
            cached_input_tokens = (c.own).cached_input_tokens * c.share,
            cache_write_tokens = (c.own).cache_write_tokens * c.share,
            reasoning_tokens = (c.own).reasoning_tokens * c.share,
            request_count = (c.own).request_count * c.share,
            metadata = case
                when c.said is null then (c.own).metadata
                else (c.own).metadata || jsonb_build_object('said', c.said)
            end
        from counted as c
        where
            r.user_id = account.user_id
            and r.timestamp >= account.first_at
            and r.timestamp < account.last_at
            and r.id = c.id
            and r.timestamp = c.timestamp
            and (
                (c.present).metadata -> 'said' is distinct from c.said
                or (c.present).cost_usd is distinct from c.cost_usd
                or (c.present).tokens_used <> (c.own).tokens_used * c.share
                or (c.present).request_count <> (c.own).request_count * c.share
            );
    end loop;
end
$$;
revoke all on function private.settle(private.ledger_page[]) from public;

-- What the first rule set aside goes back and is settled by this one.
alter table public.cost_records drop constraint if exists cost_records_estimate;
update public.cost_records as r
set
    cost_usd = (r.metadata ->> 'estimate_usd')::numeric,
    metadata = r.metadata - 'estimate_usd'
where r.metadata ? 'estimate_usd';
select private.settle(
    array(
        select distinct row(r.user_id, r.metadata ->> 'ledger', (r.timestamp at time zone 'UTC')::date)::private.ledger_page
        from public.cost_records as r
        where r.metadata ? 'ledger'
    )
);
