-- 047_people_list.sql: the people of a workspace with their limits.

-- The last local day on which each person used anything. Whose rows are in projects that the caller may not see is not told.
create or replace function private.last_active_days(tenant uuid)
returns table (user_id uuid, day date)
language plpgsql -- its plan is kept
stable
set search_path = ''
as $$
declare
    hidden constant uuid[] := array(select private.hidden_projects());
    stale constant private.stale_days[] := private.stale_days_of(tenant, '-infinity', 'infinity');
    outdated constant date[] := private.outdated_days(tenant, '-infinity', 'infinity', stale);
begin
    return query
    select p.user_id, max(p.date)
    from (
        select d.user_id, d.date, d.project_id
        from private.cost_records_daily as d
        where d.workspace_id = tenant and d.date <> all (outdated)
        union all
        select f.user_id, f.date, f.project_id
        from private.outdated_totals(tenant, outdated, stale) as f
    ) as p
    where p.project_id <> all (hidden) or p.user_id = auth.uid()
    group by p.user_id;
end
$$;
revoke all on function private.last_active_days(uuid) from public;

-- The people of a workspace, by rank and address. Those who left follow with a null role, for readers of other people's rows;
-- these also see when everybody was last active. Limits are for admins and oneself.
create or replace function public.list_people(workspace uuid)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    only_user constant uuid := private.only_own_rows(tenant);
    is_admin constant boolean := exists (select from private.workspaces_as('admin') as w (id) where w.id = tenant);
begin
    return (
        select
            coalesce(
                json_agg(
                    json_build_object(
                        'user_id', p.user_id,
                        'email', p.email,
                        'role', p.role,
                        'joined_at', p.joined_at,
                        'last_active', a.day,
                        'monthly_usd', l.monthly_usd::text,
                        'monthly_tokens', l.monthly_tokens
                    )
                    order by private.rank_of(p.role) desc nulls last, p.email, p.user_id
                ),
                '[]'
            )
        from (
            select m.user_id, u.email, m.role, m.joined_at
            from public.members as m
            inner join auth.users as u on m.user_id = u.id
            where m.workspace_id = tenant
            union all
            select f.user_id, f.email, null, null
            from private.former_members as f
            where
                f.workspace_id = tenant
                and only_user is null
                and not exists (select from public.members as m where m.workspace_id = tenant and m.user_id = f.user_id)
        ) as p
        left join private.last_active_days(tenant) as a
            on p.user_id = a.user_id and (only_user is null or p.user_id = only_user)
        left join private.member_limits(tenant) as l on p.user_id = l.user_id and (is_admin or p.user_id = auth.uid())
    );
end
$$;
revoke all on function public.list_people(uuid) from public, anon, service_role;
grant execute on function public.list_people(uuid) to authenticated;
