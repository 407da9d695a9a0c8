-- 142_noting_names.sql: names to search among follow the rows of records and traces, by triggers.

create or replace function private.note_names()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    columns constant text := case tg_table_name
        when 'traces' then 'c.workspace_id, c.user_id, c.project_ids, c.last_at, c.name, c.service, c.session, c.agent'
        else 'c.workspace_id, c.user_id, c.project_id, c.timestamp, c.metadata'
    end;
    tenants uuid[];
    tenant uuid;
begin
    execute private.adding_names( -- only here are the rows that were changed known
        tg_table_name,
        concat_ws(
            ' union all ',
            case when tg_op <> 'DELETE' then 'select ' || columns || ', 1 as n from changed_to as c' end,
            case when tg_op <> 'INSERT' then 'select ' || columns || ', -1 as n from changed_from as c' end
        )
    ) into tenants;
    foreach tenant in array coalesce(tenants, '{}') loop
        if (select count(*) from private.name_changes as c where c.workspace_id = tenant) > 2000 then
            perform private.join_names(tenant);
        end if;
    end loop;
    return null;
end
$$;
revoke all on function private.note_names() from public;

-- Truncating names no rows.
create or replace function private.forget_names()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    delete from private.name_changes as c where c.kind = any (tg_argv);
    delete from private.search_names as n where n.kind = any (tg_argv);
    return null;
end
$$;
revoke all on function private.forget_names() from public;

do $$
declare
    name text;
begin
    foreach name in array array['cost_records', 'traces'] loop
        execute format(
            'create or replace trigger %1$s_names_inserted after insert on public.%1$s '
            'referencing new table as changed_to for each statement execute function private.note_names()', name
        );
        execute format(
            'create or replace trigger %1$s_names_updated after update on public.%1$s '
            'referencing old table as changed_from new table as changed_to for each statement '
            'execute function private.note_names()', name
        );
        execute format(
            'create or replace trigger %1$s_names_deleted after delete on public.%1$s '
            'referencing old table as changed_from for each statement execute function private.note_names()', name
        );
    end loop;
end
$$;
create or replace trigger cost_records_names_truncated
    after truncate on public.cost_records
    for each statement execute function private.forget_names('session', 'note');
create or replace trigger traces_names_truncated
    after truncate on public.traces
    for each statement execute function private.forget_names('trace', 'conversation');

-- The names of what is there already.
do $$
declare
    ignored uuid[];
begin
    if not exists (select from private.search_names) and not exists (select from private.name_changes) then
        execute private.adding_names(
            'cost_records', 'select r.workspace_id, r.user_id, r.project_id, r.timestamp, r.metadata, 1 as n from public.cost_records as r'
        ) into ignored;
        execute private.adding_names(
            'traces',
            'select t.workspace_id, t.user_id, t.project_ids, t.last_at, t.name, t.service, t.session, t.agent, 1 as n '
            'from public.traces as t'
        ) into ignored;
        perform private.join_names(c.workspace_id) from (select distinct n.workspace_id from private.name_changes as n) as c;
    end if;
end
$$;
