-- 043_accounts.sql: the data version, which is the key of every cache, and the deletion of one's account.

-- A text that changes whenever anything that the caller can read of a workspace changes. Rows are told apart by the
-- transactions that wrote them, not by clocks: two changes may fall into one instant, and commit in either order. It begins
-- with the role of the caller and a hyphen, which the dashboard reads in every run.
create or replace function public.data_version(workspace uuid default null)
returns text
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
begin
    return (
        select
            concat_ws(
                '.',
                m.role || '-' || m.xmin::text,
                coalesce((select r.gen::text from private.refreshes as r), '0'),
                coalesce((select c.gen::text from private.workspace_changes as c where c.workspace_id = m.workspace_id), '0'),
                (
                    select count(*) || '-' || coalesce(sum(hashtextextended(d.date || ' ' || d.gen, 0)), 0)
                    from (
                        select s.date, s.gen
                        from private.stale_days as s
                        where s.workspace_id = m.workspace_id
                        union all
                        select o.date, o.gen
                        from private.overridden_days as o
                        where
                            o.workspace_id = m.workspace_id
                            and not exists (
                                select
                                from private.stale_days as s
                                where s.workspace_id = o.workspace_id and s.date = o.date
                            )
                    ) as d
                ),
                (
                    select count(*) || '-' || coalesce(sum(hashtextextended(o.name || ' ' || o.version, 0)), 0)
                    from (
                        select 'workspace' as name, w.xmin::text as version
                        from public.workspaces as w
                        where w.id = m.workspace_id
                        union all
                        select 'preferences', p.xmin::text
                        from public.user_preferences as p
                        where p.user_id = m.user_id
                        union all
                        select i.id::text, i.xmin::text
                        from public.imports as i
                        where i.workspace_id = m.workspace_id
                        union all
                        select s.id::text, s.xmin::text
                        from public.subscriptions as s
                        where s.workspace_id = m.workspace_id
                    ) as o
                )
            )
        from public.members as m
        where m.user_id = (select auth.uid()) and m.workspace_id = tenant
    );
end
$$;
revoke all on function public.data_version(uuid) from public, anon, service_role;
grant execute on function public.data_version(uuid) to authenticated;

-- Deletes the caller's account and the personal workspace; the email guards against a slip. What the caller brought to shared
-- workspaces stays (private.pass_on_account). Workspaces that would be left without an owner are named first.
create or replace function public.delete_own_account(email text)
returns void
language plpgsql
security definer
set search_path = ''
set statement_timeout = '120s' -- the API applies it
as $$
declare
    caller constant uuid := auth.uid();
    left_behind text;
begin
    if caller is null then
        raise exception 'Sign in to delete your account.' using errcode = '42501';
    end if;
    if not exists (
        select
        from auth.users as u
        where u.id = caller and lower(u.email) = lower(trim(delete_own_account.email))
    ) then
        raise exception 'That is not the email of this account. Nothing was deleted.' using errcode = '22023';
    end if;
    -- Before the account: no deadlock with a save, and another owner who leaves goes first.
    perform private.lock_workspaces(array(select private.shared_workspaces_of(caller)));
    select string_agg(w.name, ', ' order by w.name)
    into left_behind
    from public.members as m
    inner join public.workspaces as w on m.workspace_id = w.id
    where
        m.user_id = caller
        and m.role = 'owner'
        and w.personal_user_id is null
        and not exists (
            select
            from public.members as o
            where o.workspace_id = m.workspace_id and o.role = 'owner' and o.user_id <> caller
        );
    if left_behind is not null then
        raise exception 'You are the only owner of: %. Make another member the owner, or delete these workspaces.', left_behind
            using errcode = '22023';
    end if;
    delete from auth.users as u where u.id = caller;
end
$$;
revoke all on function public.delete_own_account(text) from public, anon, service_role;
grant execute on function public.delete_own_account(text) to authenticated;
