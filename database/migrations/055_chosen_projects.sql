-- 055_chosen_projects.sql: projects that a person or a source chose, on events with several statements.

-- The choices of projects on these events that are not as they should be: `chosen_by` is null where the rules decide again.
create or replace function private.choices_of_events(tenant uuid, keys uuid[], first_at timestamptz, last_at timestamptz)
returns table (is_record boolean, id uuid, at timestamptz, project_id uuid, chosen_by text)
language plpgsql
stable
rows 1000
set search_path = ''
as $$
begin
    return query
    with chosen as materialized (
        select s.*, coalesce(i.is_enabled, true) as is_enabled, i.created_at
        from private.statements_on(tenant, keys, first_at, last_at) as s
        left join public.imports as i on s.import_id = i.id
    ),

    best as materialized (
        select distinct on (c.source_key, c.line_at) c.*
        from chosen as c
        where c.project_chosen_by = 'person' or (c.project_chosen_by = 'source' and c.is_enabled)
        order by c.source_key, c.line_at, c.project_chosen_by, c.is_record desc, c.rank desc, c.created_at, c.project_id
    ),

    due as (
        select
            c.*,
            case
                when b.project_chosen_by = 'person' then 'person'
                when c.project_chosen_by = 'source' then 'source'
                when c.is_record and b.id is not null then 'event'
            end as due_by,
            case
                when b.project_chosen_by = 'person' or (c.is_record and b.id is not null) then b.project_id
                else c.project_id
            end as due_project
        from chosen as c
        left join best as b on c.source_key = b.source_key and c.line_at is not distinct from b.line_at
    )

    select d.is_record, d.id, d.at, d.due_project, d.due_by
    from due as d
    where
        d.project_chosen_by is distinct from d.due_by
        or (d.due_by is not null and d.project_id is distinct from d.due_project);
end
$$;
revoke all on function private.choices_of_events(uuid, uuid[], timestamptz, timestamptz) from public;

-- Files these statements, whose records are between these instants, by the workspace's rules.
create or replace function private.refile_statements(tenant uuid, ids uuid[], first_at timestamptz, last_at timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
declare
    rules constant public.project_rules[] := private.active_rules(tenant);
begin
    with picked as materialized (
        select row_number() over () as nth, s.*
        from private.described_statements(tenant, private.fields_of(rules), null, ids) as s
    ),

    filed as materialized (
        select p.is_record, p.id, p.at, m.project
        from picked as p
        left join unnest(
            private.match_rules(rules, (select array_agg(k.traits order by k.nth) from picked as k))
        ) with ordinality as m (project, nth) on p.nth = m.nth
    ),

    superseded as (
        update public.superseded_records as s
        set project_id = f.project
        from filed as f
        where s.id = f.id and not f.is_record
    )

    update public.cost_records as r
    set project_id = f.project
    from filed as f
    where
        r.workspace_id = tenant
        and r.timestamp >= first_at
        and r.timestamp <= last_at
        and r.id = f.id
        and r.timestamp = f.at
        and f.is_record;
end
$$;
revoke all on function private.refile_statements(uuid, uuid[], timestamptz, timestamptz) from public;

-- Gives the statements on these events the projects that were chosen.
create or replace function private.settle_projects(tenant uuid, keys uuid[], first_at timestamptz, last_at timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
declare
    freed uuid[];
begin
    with due as materialized (
        select c.* from private.choices_of_events(tenant, keys, first_at, last_at) as c
    ),

    superseded as (
        update public.superseded_records as s
        set project_id = d.project_id, project_chosen_by = d.chosen_by
        from due as d
        where s.id = d.id and not d.is_record
    ),

    records as (
        update public.cost_records as r
        set project_id = d.project_id, project_chosen_by = d.chosen_by
        from due as d
        where
            r.workspace_id = tenant
            and r.timestamp >= first_at
            and r.timestamp <= last_at
            and r.id = d.id
            and r.timestamp = d.at
            and d.is_record
    )

    select array_agg(d.id) filter (where d.chosen_by is null) into freed from due as d;
    if freed is not null then
        perform private.refile_statements(tenant, freed, first_at, last_at);
    end if;
end
$$;
revoke all on function private.settle_projects(uuid, uuid[], timestamptz, timestamptz) from public;

-- Few events have a chosen project; an index has just those. Most workspaces have none.
create or replace function private.have_choices(tenant uuid, keys uuid[])
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
    return
        exists (
            select
            from unnest(keys) as k (key)
            cross join lateral (
                select
                from public.superseded_records as s
                where s.workspace_id = tenant and s.source_key = k.key and s.project_chosen_by is not null
                limit 1
            ) as s
            where exists (
                select from public.superseded_records as s where s.workspace_id = tenant and s.project_chosen_by is not null
            )
        )
        or exists (
            select
            from unnest(keys) as k (key)
            cross join lateral (
                select
                from public.cost_records as r
                where r.workspace_id = tenant and r.source_key = k.key and r.project_chosen_by is not null
                limit 1
            ) as r
            where exists (
                select from public.cost_records as r where r.workspace_id = tenant and r.project_chosen_by is not null
            )
        );
end
$$;
revoke all on function private.have_choices(uuid, uuid[]) from public;

-- Gives the records on these events the person and the project of whoever knows best. The bounds are those of statements that
-- were there until now; without bounds there were none, and an event without a superseded statement is as it was. Called under
-- the lock of saves, in which it must cost nothing where nothing was chosen and one person has everything: measured, it doubled
-- the time of a second source with the same records.
create or replace function private.settle_events(
    tenant uuid, keys uuid[], first_at timestamptz default null, last_at timestamptz default null
)
returns void
language plpgsql
set search_path = ''
set enable_seqscan = off -- as in private.select_winners
as $$
declare
    are_chosen constant boolean := private.have_choices(tenant, keys);
    has_people constant boolean := exists (
        select from public.workspaces as w where w.id = tenant and w.personal_user_id is null
    );
    shared record;
begin
    if not (are_chosen or has_people) then
        return;
    end if;
    select
        case when settle_events.first_at is null then array_agg(distinct s.source_key) else settle_events.keys end as keys,
        least(settle_events.first_at, min(s.timestamp)) as first_at,
        greatest(settle_events.last_at, max(s.timestamp)) as last_at
    into shared
    from (select distinct k.key from unnest(keys) as k (key)) as k
    cross join lateral (
        select d.source_key, d.timestamp
        from public.superseded_records as d
        where d.workspace_id = tenant and d.source_key = k.key
        offset 0 -- as in private.rank_superseded
    ) as s;
    if shared.first_at is null then
        return;
    end if;
    -- Records of requests may be at other times than the statements that they replace.
    select least(shared.first_at, min(r.timestamp)), greatest(shared.last_at, max(r.timestamp))
    into shared.first_at, shared.last_at
    from (select distinct k.key from unnest(shared.keys) as k (key)) as k
    cross join lateral (
        select c.timestamp
        from public.cost_records as c
        where c.workspace_id = tenant and c.source_key = k.key and c.request_id is not null
        offset 0
    ) as r;
    perform set_config('tally.is_flagging', 'on', true);
    if has_people then
        perform private.settle_people(tenant, shared.keys, shared.first_at, shared.last_at);
    end if;
    if are_chosen then
        perform private.settle_projects(tenant, shared.keys, shared.first_at, shared.last_at);
    end if;
    perform set_config('tally.is_flagging', '', true);
end
$$;
revoke all on function private.settle_events(uuid, uuid[], timestamptz, timestamptz) from public;

-- Supersedes the records of a source and settles the events on which it was one of several.
create or replace function private.exclude_source(tenant uuid, source uuid)
returns void
language plpgsql
set search_path = ''
set enable_seqscan = off -- as in private.select_winners
as $$
declare
    shared uuid[] := array(
        select s.source_key
        from public.superseded_records as s
        where s.workspace_id = tenant and s.import_id = source
    );
begin
    perform private.supersede_source(tenant, source);
    shared := shared || array(
        select s.source_key
        from public.superseded_records as s
        cross join lateral (
            select
            from public.superseded_records as d
            where d.workspace_id = tenant and d.source_key = s.source_key and d.id <> s.id
            limit 1 -- as in private.rank_superseded
        ) as o
        where s.workspace_id = tenant and s.import_id = source
    );
    perform private.settle_events(tenant, shared);
end
$$;
revoke all on function private.exclude_source(uuid, uuid) from public;

-- What a person chooses for a record holds for its event: other statements may become the record.
create or replace function private.choose_for_event()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform set_config('tally.is_flagging', 'on', true);
    update public.superseded_records as s
    set project_id = new.project_id, project_chosen_by = 'person'
    where
        s.workspace_id = new.workspace_id
        and s.source_key = new.source_key
        and (s.request_id is not null or s.timestamp = new.timestamp);
    perform set_config('tally.is_flagging', '', true);
    return null;
end
$$;
revoke all on function private.choose_for_event() from public;

create or replace trigger cost_records_project_of_event
    after update of project_id on public.cost_records
    for each row when (new.project_id is distinct from old.project_id and current_user = 'authenticated')
    execute function private.choose_for_event();
-- A selection may hold the statements while it waits for the record; a change of rules files what it finds.
create or replace trigger cost_records_project_waits
    before update of project_id, model_name, billing_account, metadata on public.cost_records
    for each statement when (current_user = 'authenticated') execute function private.wait_for_saves();
