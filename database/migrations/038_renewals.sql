-- 038_renewals.sql: when renewals are posted: with every change of a subscription, on request, and nightly.

create or replace function private.follow_subscription()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if tg_op = 'DELETE' then
        delete from public.cost_records as r
        where r.workspace_id = old.workspace_id and r.subscription_id = old.id;
    else
        perform private.post_renewals(new);
    end if;
    return null;
end
$$;
revoke all on function private.follow_subscription() from public;

create or replace trigger subscriptions_follow
    after insert or update or delete on public.subscriptions
    for each row execute function private.follow_subscription();

-- Posts a workspace's renewals that came due since; safe to call at any time. Returns how many were added.
create or replace function public.post_due_renewals(workspace uuid default null)
returns integer
language plpgsql
security definer
set search_path = ''
set lock_timeout = '6s'
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'member');
begin
    return (
        select coalesce(sum(private.post_renewals(s)), 0)::integer
        from public.subscriptions as s
        where s.workspace_id = tenant
    );
end
$$;
revoke all on function public.post_due_renewals(uuid) from public, anon, service_role;
grant execute on function public.post_due_renewals(uuid) to authenticated;

-- The same for everyone, for the nightly run. A subscription that fails stops no other one. Returns how many renewals were
-- added.
create or replace function private.post_due_renewals_for_all()
returns integer
language plpgsql
set search_path = ''
as $$
declare
    one public.subscriptions;
    added integer := 0;
begin
    for one in select s.* from public.subscriptions as s order by s.workspace_id, s.id loop
        begin
            added := added + private.post_renewals(one);
        exception when others then
            raise warning 'The renewals of subscription % were not posted: %', one.id, sqlerrm;
        end;
    end loop;
    return added;
end
$$;
revoke all on function private.post_due_renewals_for_all() from public;
