-- 052_schedule.sql: where pg_cron exists, the database does its own upkeep; elsewhere the nightly run does the same.

do $$
begin
    if exists (select from pg_catalog.pg_extension where extname = 'pg_cron') then
        perform cron.schedule('tally-fold', '*/5 * * * *', 'select public.fold_stale_days()');
        perform cron.schedule('tally-refresh', '17 * * * *', 'select public.refresh_cost_records_daily(true)');
        perform cron.schedule('tally-partitions', '7 2 * * *', 'select public.ensure_partitions()');
        perform cron.schedule('tally-vacuum', '47 2 * * *', 'vacuum (analyze) private.cost_records_daily, private.divided_days, private.folded_days');
        perform cron.schedule('tally-analyze', '57 2 * * *', 'analyze public.cost_records');
    end if;
end
$$;
