-- 098_jump_names.sql: the names that the field "Jump to…" finds.

-- {models, projects, budgets, sessions} of a workspace, as far as the caller may know them: 500 models by name, 500 projects that
-- are not archived, 200 budgets, and the 100 latest sessions among the newest 5,000 records of 90 days, each with its agent,
-- repository and last time.
create or replace function public.jump_names(workspace uuid default null)
returns json
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_custom_plan -- a kept plan may be from when these months were empty
as $$
declare
    tenant constant uuid := coalesce(workspace, auth.uid());
    models constant json := public.model_names(tenant); -- refuses who is no member
    projects constant json := public.list_projects(tenant);
begin
    return (
        with newest as materialized (
            select
                r.timestamp, r.metadata ->> 'agent' as agent, r.metadata ->> 'repository' as repository,
                left(coalesce(nullif(btrim(r.metadata ->> 'session'), ''), nullif(btrim(r.metadata ->> 'session_id'), '')), 200)
                    as session
            from public.cost_records as r
            where r.workspace_id = tenant and r.timestamp > now() - interval '90 days'
            order by r.timestamp desc
            limit 5000
        ),

        sessions as (
            select
                n.session, max(n.timestamp) as last_at, left(max(n.agent), 200) as agent, left(max(n.repository), 200) as repository
            from newest as n
            where n.session is not null
            group by n.session
            order by max(n.timestamp) desc, n.session
            limit 100
        )

        select json_build_object(
            'models', (
                select coalesce(json_agg(m.name order by m.nth), '[]')
                from json_array_elements_text(models) with ordinality as m (name, nth)
                where m.nth <= 500
            ),
            'projects', (
                select coalesce(json_agg(json_build_object('id', p.found -> 'id', 'name', p.found -> 'name') order by p.nth), '[]')
                from json_array_elements(projects) with ordinality as p (found, nth)
                where p.found ->> 'archived_at' is null and p.nth <= 500
            ),
            'budgets', (
                select coalesce(json_agg(json_build_object('id', b.id, 'name', b.name) order by b.nth), '[]')
                from (
                    select u.id, u.name, row_number() over (order by lower(u.name), u.id) as nth
                    from public.budgets as u
                    where u.workspace_id = tenant
                ) as b
                where b.nth <= 200
            ),
            'sessions', (select coalesce(json_agg(s order by s.last_at desc, s.session), '[]') from sessions as s)
        )
    );
end
$$;
revoke all on function public.jump_names(uuid) from public, anon, service_role;
grant execute on function public.jump_names(uuid) to authenticated;
