-- The way back from 052_schedule.sql.

do $$
begin
    if exists (select from pg_catalog.pg_extension where extname = 'pg_cron') then
        perform cron.unschedule(j.jobname)
        from cron.job as j
        where j.jobname in ('tally-fold', 'tally-refresh', 'tally-partitions', 'tally-vacuum', 'tally-analyze');
    end if;
end
$$;
