-- 020_divided_days.sql: days of workspaces with projects or several people, summed over both, by project, and by person.
--
-- A team of 20 has ten rows of the daily view for one that it reads: summing them up in every read took seven times as long for
-- each row as the days of one person.

-- Made from the daily view by each refresh, as of the same records; days that changed since are summed up by the reader.
create materialized view if not exists private.divided_days as
select t.*
from (
    select
        d.workspace_id,
        case when grouping(d.project_id) = 0 then 'project' when grouping(d.user_id) = 0 then 'person' else 'none' end as split,
        d.date,
        d.provider_id,
        d.provider,
        coalesce(d.project_id, d.user_id, '00000000-0000-0000-0000-000000000000') as part,
        d.model_name,
        d.cost_basis,
        d.charge_type,
        sum(d.total_cost_usd) as total_cost_usd,
        least(sum(d.total_tokens), 9223372036854775807)::bigint as total_tokens,
        least(sum(d.total_input_tokens), 9223372036854775807)::bigint as total_input_tokens,
        least(sum(d.total_output_tokens), 9223372036854775807)::bigint as total_output_tokens,
        least(sum(d.total_cached_input_tokens), 9223372036854775807)::bigint as total_cached_input_tokens,
        least(sum(d.total_cache_write_tokens), 9223372036854775807)::bigint as total_cache_write_tokens,
        least(sum(d.total_requests), 9223372036854775807)::bigint as total_requests,
        sum(d.record_count)::bigint as record_count,
        sum(d.unpriced_count)::bigint as unpriced_count
    from private.cost_records_daily as d
    inner join private.divided_workspaces as w on d.workspace_id = w.workspace_id
    group by
        d.workspace_id, d.date, d.provider_id, d.provider, d.model_name, d.cost_basis, d.charge_type,
        grouping sets ((), (d.project_id), (d.user_id))
) as t
-- As records are compared: byte by byte.
order by
    t.workspace_id, t.split collate "C", t.date, t.provider_id, t.part, -- noqa: RF03
    t.model_name collate "C", -- noqa: RF03
    t.cost_basis, t.charge_type;

-- One index for the concurrent refresh and for reads, as that of the daily view.
create unique index if not exists divided_days_idx
    on private.divided_days (workspace_id, split, date, provider_id, part, model_name, cost_basis, charge_type)
    include (
        provider, total_cost_usd, total_tokens, total_input_tokens, total_output_tokens, total_cached_input_tokens,
        total_cache_write_tokens, total_requests, record_count, unpriced_count
    );
revoke all on private.divided_days from public, anon, authenticated, service_role;
