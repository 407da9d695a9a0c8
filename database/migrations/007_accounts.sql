-- 007_accounts.sql: what a person may ask about and do to their own account.

-- A text that changes whenever anything that the caller can read of themselves changes: the key of every cache. Rows are told
-- apart by the transactions that wrote them, not by clocks: two changes may fall into one instant, and commit in either order.
create or replace function public.data_version()
returns text
language sql
stable
security definer
set search_path = ''
as $$
    select
        concat_ws(
            '.',
            coalesce((select r.gen::text from private.refreshes as r), '0'),
            coalesce((select j.gen::text from private.job_changes as j where j.user_id = (select auth.uid())), '0'),
            (
                select count(*) || '-' || coalesce(sum(hashtextextended(s.date || ' ' || s.gen, 0)), 0)
                from private.stale_days as s
                where s.user_id = (select auth.uid())
            ),
            (
                select count(*) || '-' || coalesce(sum(hashtextextended(o.name || ' ' || o.version, 0)), 0)
                from (
                    select 'preferences' as name, p.xmin::text as version
                    from public.user_preferences as p
                    where p.user_id = (select auth.uid())
                    union all
                    select i.id::text, i.xmin::text
                    from public.imports as i
                    where i.user_id = (select auth.uid())
                    union all
                    select s.id::text, s.xmin::text
                    from public.subscriptions as s
                    where s.user_id = (select auth.uid())
                ) as o
            )
        )
$$;
revoke all on function public.data_version() from public, anon, service_role;
grant execute on function public.data_version() to authenticated;

-- Deletes the caller's account and all that belongs to it; the email guards against a slip.
create or replace function public.delete_own_account(email text)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    caller constant uuid := auth.uid();
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
    delete from auth.users as u where u.id = caller;
end
$$;
revoke all on function public.delete_own_account(text) from public, anon, service_role;
grant execute on function public.delete_own_account(text) to authenticated;
