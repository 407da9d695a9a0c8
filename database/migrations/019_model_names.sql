-- 019_model_names.sql: names of the caller's models, for filters; a list that does not grow with the records.

create or replace function public.model_names()
returns json
language sql
stable
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
    select coalesce(json_agg(m.model_name order by m.model_name), '[]')
    from (
        select d.model_name
        from private.cost_records_daily as d
        where
            d.user_id = (select auth.uid())
            and d.date not in (select s.date from private.stale_days as s where s.user_id = (select auth.uid()))
        union
        select f.model_name
        from private.fresh_days((select auth.uid()), '-infinity', 'infinity') as f
    ) as m
$$;
revoke all on function public.model_names() from public, anon, service_role;
grant execute on function public.model_names() to authenticated;
