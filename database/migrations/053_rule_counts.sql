-- 053_rule_counts.sql: records and money of each rule.

-- The sums of each rule that files any: [{rule, records, cost_usd}]. A record that a person or a machine filed is no rule's,
-- nor is one that stays in an archived project.
create or replace function public.count_by_rule(workspace uuid default null)
returns json
language plpgsql
stable
security definer
set search_path = ''
set work_mem = '64MB'
set statement_timeout = '60s' -- PostgREST applies it: all records are read
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    rules constant public.project_rules[] := private.active_rules(tenant);
    named public.project_rules[] := rules; -- they file under their own ids
begin
    for nth in 1..cardinality(named) loop
        named[nth].project_id := named[nth].id;
    end loop;
    return (
        with kinds as materialized (
            select
                row_number() over () as nth, s.traits, s.project_id, count(*) as records,
                coalesce(sum(s.cost_usd) filter (where s.cost_basis <> 'included'), 0) as cost_usd
            from private.described_statements(tenant, private.fields_of(rules)) as s
            where s.is_record and s.project_id is not null and s.project_chosen_by is null
            group by s.traits, s.project_id
        ),

        filed as (
            select r.id as rule, sum(k.records)::bigint as records, sum(k.cost_usd)::text as cost_usd
            from unnest(
                private.match_rules(named, (select array_agg(k.traits order by k.nth) from kinds as k))
            ) with ordinality as m (rule, nth)
            inner join kinds as k on m.nth = k.nth
            inner join unnest(rules) as r on m.rule = r.id and k.project_id = r.project_id
            group by r.id
        )

        select coalesce(json_agg(f), '[]') from filed as f
    );
end
$$;
revoke all on function public.count_by_rule(uuid) from public, anon, service_role;
grant execute on function public.count_by_rule(uuid) to authenticated;
