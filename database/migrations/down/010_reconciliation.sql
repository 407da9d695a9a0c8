-- The way back from 010_reconciliation.sql.

create or replace function private.settle(pages private.ledger_page[])
returns void
language sql
set search_path = ''
as $$
    update public.cost_records as r
    set
        cost_usd = case
            when s.is_billed then 0
            else (r.metadata ->> 'estimate_usd')::numeric
        end,
        metadata = case
            when s.is_billed then r.metadata || jsonb_build_object('estimate_usd', r.cost_usd::text)
            else r.metadata - 'estimate_usd'
        end
    from (
        select
            p.*,
            p.day::timestamp at time zone 'UTC' as day_from,
            (p.day + 1)::timestamp at time zone 'UTC' as day_to,
            exists (
                select
                from public.cost_records as b
                where
                    b.user_id = p.user_id
                    and b.timestamp >= p.day::timestamp at time zone 'UTC'
                    and b.timestamp < (p.day + 1)::timestamp at time zone 'UTC'
                    and b.cost_basis = 'billed'
                    and b.metadata ->> 'ledger' = p.ledger
            ) as is_billed
        from unnest(pages) as p
    ) as s
    where
        r.user_id = s.user_id
        and r.timestamp >= s.day_from
        and r.timestamp < s.day_to
        and r.cost_basis = 'estimated'
        and r.metadata ->> 'ledger' = s.ledger
        and s.is_billed <> (r.metadata ? 'estimate_usd')
$$;
revoke all on function private.settle(private.ledger_page[]) from public;

alter table public.cost_records drop constraint if exists cost_records_estimate;
alter table public.cost_records add constraint cost_records_estimate check (
    case
        when metadata ->> 'estimate_usd' is not null then metadata ->> 'estimate_usd' ~ '^[0-9]{1,8}([.][0-9]{1,10})?$'
        else true
    end
);

-- Each says its own words again, and the earlier rule settles them.
update public.cost_records as r
set
    cost_usd = (r.metadata #>> '{said,cost_usd}')::numeric,
    tokens_used = (r.metadata #>> '{said,tokens_used}')::bigint,
    input_tokens = (r.metadata #>> '{said,input_tokens}')::bigint,
    output_tokens = (r.metadata #>> '{said,output_tokens}')::bigint,
    cached_input_tokens = (r.metadata #>> '{said,cached_input_tokens}')::bigint,
    cache_write_tokens = (r.metadata #>> '{said,cache_write_tokens}')::bigint,
    reasoning_tokens = (r.metadata #>> '{said,reasoning_tokens}')::bigint,
    request_count = (r.metadata #>> '{said,request_count}')::bigint,
    metadata = r.metadata - 'said'
where r.metadata ? 'said';

-- The narrower rule has no place for a worth that is not known.
update public.cost_records as r
set cost_usd = 0
where r.cost_basis = 'included' and r.cost_usd is null;
alter table public.cost_records drop constraint if exists cost_records_cost;
alter table public.cost_records add constraint cost_records_cost check (
    case
        when cost_usd is null then cost_basis = 'estimated' -- unpriced
        when cost_usd >= 0 then cost_usd <> 'NaN'
        else charge_type in ('credit', 'adjustment')
    end
);
alter table public.cost_records drop constraint if exists cost_records_said;

drop function if exists private.authorities();
drop function if exists private.model_key(text);
drop function if exists private.own_words(public.cost_records);
