-- 056_refiling_changes.sql: what else than a change of rules files records again: a project that comes back, edits of what
-- rules ask for, and a workspace that was moved here.

-- True for a record that rules leave where it is: its project was chosen, or is archived.
create or replace function private.stays_filed(record public.cost_records)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
    return record.project_chosen_by is not null
    or exists (select from public.projects as p where p.id = record.project_id and p.archived_at is not null);
end
$$;
revoke all on function private.stays_filed(public.cost_records) from public;

-- What an archived project's rules would file under it if it were restored. What it has stays until rules are changed.
create or replace function private.plan_restore(restored public.projects)
returns private.filing_move[]
language plpgsql
stable
set search_path = ''
as $$
begin
    return array(
        select m
        from unnest(private.plan_rules(restored.workspace_id, private.active_rules(restored.workspace_id, restored.id))) as m
        where m.to_id = restored.id and restored.archived_at is not null
    );
end
$$;
revoke all on function private.plan_restore(public.projects) from public;

-- What restoring a project would move, as private.describe_moves.
create or replace function public.preview_restore(project uuid)
returns json
language plpgsql
stable
security definer
set search_path = ''
set statement_timeout = '60s' -- PostgREST applies it: all records are read
as $$
declare
    restored constant public.projects := private.require_project(project);
begin
    return private.describe_moves(restored.workspace_id, private.plan_restore(restored), 'project');
end
$$;
revoke all on function public.preview_restore(uuid) from public, anon, service_role;
grant execute on function public.preview_restore(uuid) to authenticated;

-- Restores an archived project and files records by its rules, which apply again; answers as the preview.
create or replace function public.restore_project(project uuid)
returns json
language plpgsql
security definer
set search_path = ''
set statement_timeout = '120s' -- PostgREST applies it: all records may move
as $$
declare
    restored public.projects := private.require_project(project);
    plan private.filing_move[];
    described json;
begin
    perform private.wait_to_file(restored.workspace_id);
    restored := private.require_project(project); -- as it is now
    plan := private.plan_restore(restored);
    if restored.archived_at is not null then
        perform private.check_project_limits(restored.workspace_id, false);
        update public.projects as p
        set archived_at = null
        where p.id = restored.id;
    end if;
    perform private.move_to_projects(restored.workspace_id, plan, private.fields_of(private.active_rules(restored.workspace_id, restored.id)));
    described := private.describe_moves(restored.workspace_id, plan, 'project');
    perform private.audit_moves(restored.workspace_id, described, 'file_records');
    return described;
end
$$;
revoke all on function public.restore_project(uuid) from public, anon, service_role;
grant execute on function public.restore_project(uuid) to authenticated;

-- An edited record is filed by what it says now.
create or replace function private.refile_edited()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    edited constant private.incoming_record := jsonb_populate_record(null::private.incoming_record, to_jsonb(new));
begin
    if not private.stays_filed(new) then
        new.project_id := (private.file_incoming(new.workspace_id, new.import_id, array[edited])).projects[1];
    end if;
    return new;
end
$$;
revoke all on function private.refile_edited() from public;

create or replace trigger cost_records_project_refiled
    before update of model_name, billing_account, metadata on public.cost_records
    for each row
    when (
        current_user = 'authenticated'
        and new.project_chosen_by is null
        and (new.model_name, new.billing_account, new.metadata)
        is distinct from (old.model_name, old.billing_account, old.metadata)
    )
    execute function private.refile_edited();

-- Files statements of the workspace as they were filed where they come from. `statements` are up to 5,000 as columns of equal
-- length: source_key, import_id, line_at (null for a request), timestamp, project_id, chosen_by. Unlike a choice of a person, it
-- may put records into archived projects and take a choice away. Returns how many statements it changed.
create or replace function public.restore_filing(statements json, workspace uuid default null)
returns integer
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = force_custom_plan -- the months that matter are few of many
set statement_timeout = '60s' -- PostgREST applies it
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    sent record;
    superseded integer;
    effective integer;
begin
    select s.*
    into sent
    from json_to_record(statements) as s (
        source_key uuid[], import_id uuid[], line_at timestamptz[], timestamp timestamptz[], project_id uuid[], chosen_by text[]
    );
    if sent.source_key is null or cardinality(sent.source_key) > 5000 then
        raise exception 'Statements must be columns of at most 5,000 values.' using errcode = '22023';
    end if;
    if exists (
        select from unnest(sent.project_id) as c (id)
        where
            c.id is not null
            and not exists (select from public.projects as p where p.workspace_id = tenant and p.id = c.id)
    ) then
        raise exception 'There is no such project in this workspace.' using errcode = '23503';
    end if;
    perform private.wait_to_file(tenant);
    perform set_config('tally.is_flagging', 'on', true);
    update public.superseded_records as s
    set project_id = f.project_id, project_chosen_by = f.chosen_by
    from unnest(sent.source_key, sent.import_id, sent.line_at, sent.project_id, sent.chosen_by) as f (
        source_key, import_id, line_at, project_id, chosen_by
    )
    where
        s.workspace_id = tenant
        and s.source_key = f.source_key
        and s.import_id is not distinct from f.import_id
        and case when s.request_id is null then coalesce((s.day + time '12:00') at time zone 'UTC', s.timestamp) end
        is not distinct from f.line_at
        and (s.project_id, s.project_chosen_by) is distinct from (f.project_id, f.chosen_by);
    get diagnostics superseded = row_count;
    -- A record that is a date may be at another instant of it.
    update public.cost_records as r
    set project_id = f.project_id, project_chosen_by = f.chosen_by
    from unnest(sent.source_key, sent.import_id, sent.line_at, sent.project_id, sent.chosen_by) as f (
        source_key, import_id, line_at, project_id, chosen_by
    )
    where
        r.workspace_id = tenant
        and r.timestamp >= (select min(t.at) - interval '1 day' from unnest(sent.timestamp) as t (at))
        and r.timestamp <= (select max(t.at) + interval '1 day' from unnest(sent.timestamp) as t (at))
        and r.source_key = f.source_key
        and r.import_id is not distinct from f.import_id
        and case when r.request_id is null then coalesce((r.day + time '12:00') at time zone 'UTC', r.timestamp) end
        is not distinct from f.line_at
        and (r.project_id, r.project_chosen_by) is distinct from (f.project_id, f.chosen_by);
    get diagnostics effective = row_count;
    perform set_config('tally.is_flagging', '', true);
    perform private.audit_moves(
        tenant, json_build_object('records', effective, 'superseded_records', superseded), 'file_records'
    );
    return superseded + effective;
end
$$;
revoke all on function public.restore_filing(json, uuid) from public, anon, service_role;
grant execute on function public.restore_filing(json, uuid) to authenticated;
