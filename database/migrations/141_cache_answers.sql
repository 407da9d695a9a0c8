-- 141_cache_answers.sql: requests that a gateway answered from its own cache. They used no tokens and cost nothing; what they
-- would have cost is in their metadata: {"cache_hit": true, "cache_saved_usd": "0.0123"}.

-- Few records are such answers: whether a period has any is known at once.
create index if not exists cost_records_cache_hit_idx
on public.cost_records (workspace_id, timestamp)
where metadata ? 'cache_hit';

create or replace function private.has_cache_answers(tenant uuid, first_at timestamptz, end_at timestamptz)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
    return exists (
        select
        from public.cost_records as r
        where r.workspace_id = tenant and r.timestamp >= first_at and r.timestamp < end_at and r.metadata ? 'cache_hit'
    );
end
$$;
revoke all on function private.has_cache_answers(uuid, timestamptz, timestamptz) from public;

-- What caches of gateways answered in a period, by the places of advice; see private.advice_calls.
create or replace function private.advice_answers(tenant uuid, first_at timestamptz, end_at timestamptz)
returns table (project_id uuid, agent text, provider text, model text, answered bigint, answered_usd text)
language plpgsql
stable
rows 100
set search_path = ''
as $$
begin
    return query
    select
        r.project_id, left(nullif(btrim(r.metadata ->> 'agent'), ''), 200), p.name, r.model_name,
        sum(greatest(r.request_count, 1))::bigint,
        coalesce(sum(s.saved) filter (where s.saved <> 'NaN'), 0)::text
    from public.cost_records as r
    inner join public.providers as p on r.provider_id = p.id
    cross join lateral (select private.saved_by_cache(r.metadata) as saved) as s
    where
        r.workspace_id = tenant and r.timestamp >= first_at and r.timestamp < end_at and r.metadata ? 'cache_hit'
        and s.saved is not null
    group by 1, 2, 3, 4
    order by 5 desc
    limit 500;
end
$$;
revoke all on function private.advice_answers(uuid, timestamptz, timestamptz) from public;
