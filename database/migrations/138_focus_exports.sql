-- 138_focus_exports.sql: workspaces whose costs the nightly run keeps as files of the format FOCUS, a file for each month. Where
-- the files are is a setting of the server: an address of one's own would let admins of a workspace write anywhere.

-- private.focus_exports: one row for each workspace that switched it on, with what came of the last run. The files have what
-- `user_id` may read, an admin who switched it on.
create table if not exists private.focus_exports (
    workspace_id uuid primary key references public.workspaces (id) on delete cascade,
    user_id uuid references auth.users (id) on delete set null,
    ran_at timestamptz,
    months integer not null default 0 check (months between 0 and 10000), -- files that there are
    changed integer not null default 0 check (changed between 0 and 10000), -- of them written by the last run
    problem text check (length(problem) between 1 and 500), -- of the last run
    created_at timestamptz not null default now()
);
create index if not exists focus_exports_user_id_idx on private.focus_exports (user_id);
alter table private.focus_exports enable row level security;
revoke all on private.focus_exports from public, anon, authenticated, service_role;

create or replace function public.set_focus_export(workspace uuid, is_enabled boolean)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    entry jsonb;
begin
    if is_enabled then
        insert into private.focus_exports as e (workspace_id, user_id) values (tenant, auth.uid())
        on conflict (workspace_id) do update set user_id = excluded.user_id, problem = null
        where e.user_id is distinct from excluded.user_id;
    else
        delete from private.focus_exports as e where e.workspace_id = tenant;
    end if;
    if found then
        entry := jsonb_build_object(
            'action', case when is_enabled then 'insert' else 'delete' end, 'table_name', 'focus_exports', 'row_id', tenant
        );
        perform private.write_audit(tenant, entry);
    end if;
end
$$;
revoke all on function public.set_focus_export(uuid, boolean) from public, anon, service_role;
grant execute on function public.set_focus_export(uuid, boolean) to authenticated;

-- Whether files are kept, and what came of the last run; and the months whose records are archived, which no file can be made
-- of now.
create or replace function public.focus_state(workspace uuid default null)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
begin
    return json_build_object(
        'export', (
            select
                json_build_object(
                    'ran_at', e.ran_at, 'months', e.months, 'changed', e.changed, 'problem', e.problem,
                    'is_own', e.user_id is not distinct from auth.uid()
                )
            from private.focus_exports as e
            where e.workspace_id = tenant
        ),
        'archived', (select coalesce(json_agg(a.month order by a.month), '[]') from private.archived_months as a)
    );
end
$$;
revoke all on function public.focus_state(uuid) from public, anon, service_role;
grant execute on function public.focus_state(uuid) to authenticated;

-- The workspaces to export, each with the admin as whom to read; null where that account left or is no admin any more.
create or replace function private.list_focus_exports()
returns table (workspace_id uuid, user_id uuid)
language sql
stable
set search_path = ''
as $$
    select e.workspace_id, m.user_id
    from private.focus_exports as e
    left join public.members as m
        on e.workspace_id = m.workspace_id and e.user_id = m.user_id and m.role in ('admin', 'owner')
    order by e.workspace_id
$$;
revoke all on function private.list_focus_exports() from public;

-- What came of a run, with an empty problem if it went well; nothing for a workspace that switched it off meanwhile.
create or replace function private.report_focus_export(tenant uuid, months integer, changed integer, problem text)
returns void
language sql
set search_path = ''
as $$
    update private.focus_exports as e
    set
        ran_at = now(),
        months = case when $4 = '' then $2 else e.months end,
        changed = $3,
        problem = left(nullif($4, ''), 500)
    where e.workspace_id = $1
$$;
revoke all on function private.report_focus_export(uuid, integer, integer, text) from public;
