-- 007_accounts.sql: what a person may ask about and do to their own account.

-- A text that changes whenever anything that the caller can read of themselves changes: the key of every cache.
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
            (select r.gen::text from private.refreshes as r),
            -- The sum sees a transaction that commits after a younger one.
            (
                select max(s.gen)::text || '-' || count(*) || '-' || sum(s.gen::text::numeric)
                from private.stale_days as s
                where s.user_id = (select auth.uid())
            ),
            (
                select extract(epoch from p.updated_at)
                from public.user_preferences as p
                where p.user_id = (select auth.uid())
            ),
            (
                select count(*) || '-' || extract(epoch from max(i.updated_at))
                from public.imports as i
                where i.user_id = (select auth.uid())
            ),
            (
                select count(*) || '-' || extract(epoch from max(s.updated_at))
                from public.subscriptions as s
                where s.user_id = (select auth.uid())
            ),
            (
                select extract(epoch from max(coalesce(j.finished_at, j.started_at)))
                from public.job_runs as j
                where j.user_id = (select auth.uid())
            ),
            (
                select extract(epoch from max(f.created_at))
                from public.forecast_totals as f
                where f.user_id = (select auth.uid())
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
    delete from private.stale_days as s where s.user_id = caller;
end
$$;
revoke all on function public.delete_own_account(text) from public, anon, service_role;
grant execute on function public.delete_own_account(text) to authenticated;
