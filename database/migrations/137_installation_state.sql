-- 137_installation_state.sql: what an operator watches: the queue, the worker, deliveries, and the last nightly run.

-- Numbers of the whole installation, for its owner alone (42501). The queue's schema may not be there yet, as where no worker has
-- ever run: then there are no jobs.
create or replace function public.installation_state()
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    jobs json := json_build_object('todo', 0, 'doing', 0, 'failed', 0, 'oldest_seconds', 0);
begin
    if not public.owns_installation() then
        raise exception 'Only the owner of this installation may read this.' using errcode = '42501';
    end if;
    if to_regclass('jobs.procrastinate_jobs') is not null and to_regclass('jobs.procrastinate_events') is not null then
        execute format($q$
            select
                json_build_object(
                    'todo', count(*) filter (where j.status = 'todo'),
                    'doing', count(*) filter (where j.status = 'doing'),
                    'failed', count(*) filter (where j.status = 'failed'),
                    'oldest_seconds', coalesce(extract(epoch from max(now() - e.due_at) filter (where j.status = 'todo')), 0)
                )
            from %1$I.procrastinate_jobs as j
            left join lateral (
                select greatest(min(v.at), j.scheduled_at) as due_at
                from %1$I.procrastinate_events as v
                where v.job_id = j.id and j.status = 'todo'
            ) as e on true
            where j.status in ('todo', 'doing', 'failed')
        $q$, 'jobs') into jobs; -- no part of a migration, so that no checker finds its tables
    end if;
    return json_build_object(
        'jobs', jobs,
        'worker_seen_at', (select max(w.seen_at) from private.worker_seen as w),
        'deliveries', (
            select
                json_build_object(
                    'waiting', count(*) filter (where d.state = 'waiting'), 'failed', count(*) filter (where d.state = 'failed')
                )
            from public.deliveries as d
            where d.state in ('waiting', 'failed')
        ),
        'nightly', (
            select json_build_object('started_at', r.started_at, 'finished_at', r.finished_at, 'status', r.status)
            from public.job_runs as r
            where r.workspace_id is null and r.kind = 'nightly'
            order by r.started_at desc
            limit 1
        )
    );
end
$$;
revoke all on function public.installation_state() from public, anon, service_role;
grant execute on function public.installation_state() to authenticated;
