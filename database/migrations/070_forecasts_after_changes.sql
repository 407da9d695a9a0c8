-- 070_forecasts_after_changes.sql: what else than records makes a forecast out of date, and what pages say meanwhile.

-- Notes the workspaces of changed rows. Rows of one statement are of one workspace, but for the nightly run's.
create or replace function private.request_forecast()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    insert into private.forecast_requests (workspace_id, gen)
    select distinct c.workspace_id, pg_current_xact_id()
    from changed as c
    inner join public.workspaces as w on c.workspace_id = w.id; -- others are being deleted
    return null;
end
$$;
revoke all on function private.request_forecast() from public;

select private.note_changes_of('public.subscriptions', 'request_forecast', 'private.request_forecast');
select private.note_changes_of('public.budgets', 'request_forecast', 'private.request_forecast');

-- The same for a row, of a workspace or of a user with a personal workspace, which has the user's id.
create or replace function private.request_one_forecast()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    insert into private.forecast_requests (workspace_id, gen)
    values (coalesce(to_jsonb(new) ->> 'workspace_id', to_jsonb(new) ->> 'user_id')::uuid, pg_current_xact_id());
    return null;
end
$$;
revoke all on function private.request_one_forecast() from public;

create or replace function private.forget_forecast_requests()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    delete from private.forecast_requests as q where q.workspace_id = old.id;
    return null;
end
$$;
revoke all on function private.forget_forecast_requests() from public;

create or replace trigger workspaces_forget_forecast_requests
    after delete on public.workspaces
    for each row execute function private.forget_forecast_requests();
create or replace trigger projects_request_forecast
    after update of archived_at on public.projects
    for each row when ((old.archived_at is null) <> (new.archived_at is null))
    execute function private.request_one_forecast();
create or replace trigger user_preferences_request_forecast
    after update of forecast_enabled on public.user_preferences
    for each row when (old.forecast_enabled <> new.forecast_enabled)
    execute function private.request_one_forecast();

-- When each worker was last at work, so that pages promise no forecast that nobody would make before the night.
create table if not exists private.worker_seen (
    worker uuid primary key default gen_random_uuid(),
    seen_at timestamptz not null
);
alter table private.worker_seen enable row level security;
revoke all on private.worker_seen from public, anon, authenticated, service_role;

-- {has_worker, is_updating}: is a worker there, and does it have changes of the workspace to forecast? One that cannot be
-- forecast is not waited for longer than three minutes.
create or replace function public.forecast_state(workspace uuid default null)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    has_worker constant boolean := exists (
        select from private.worker_seen as w where w.seen_at > now() - interval '90 seconds'
    );
begin
    return json_build_object(
        'has_worker', has_worker,
        'is_updating',
        has_worker and (
            exists (select from private.stale_days as s where s.workspace_id = tenant)
            or exists (
                select
                from private.forecast_requests as q
                where q.workspace_id = tenant and q.noted_at > now() - interval '3 minutes'
            )
            or exists (
                select
                from public.job_runs as r
                where
                    r.workspace_id = tenant
                    and r.kind = 'change'
                    and r.status = 'running'
                    and r.started_at > now() - interval '3 minutes'
            )
        )
    );
end
$$;
revoke all on function public.forecast_state(uuid) from public, anon, service_role;
grant execute on function public.forecast_state(uuid) to authenticated;
