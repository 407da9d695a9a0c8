-- 089_refiling_spans.sql: spans follow rules that change, as records do: few of them at once, many at night, week by week.

alter table private.span_counts add column if not exists is_refiling_due boolean not null default false;

-- Files a week's spans again by the rules that apply now; returns how many moved. What their sender chose stays, and so does what
-- is in an archived project.
create or replace function private.refile_span_week(tenant uuid, of_week date)
returns integer
language plpgsql
set search_path = ''
set plan_cache_mode = force_custom_plan
set work_mem = '64MB'
as $$
declare
    rules constant public.project_rules[] := coalesce(private.active_rules(tenant), '{}');
    archived constant uuid[] := array(
        select p.id from public.projects as p where p.workspace_id = tenant and p.archived_at is not null
    );
    moved text[];
begin
    with described as materialized (
        select
            s.trace_id, s.span_id, s.project_id,
            -- As in private.file_spans.
            row(
                s.metadata ->> 'project', s.metadata ->> 'repository', s.metadata ->> 'branch', null, null, s.person,
                (select jsonb_agg(g.key || case g.value when '' then '' else ':' || g.value end) from jsonb_each_text(s.tags) as g),
                s.import_id, private.model_key_of(nullif(s.model, '')), null
            )::private.traits as traits
        from public.spans as s
        where
            s.workspace_id = tenant
            and s.week = of_week
            and not s.is_project_chosen
            and (s.project_id is null or s.project_id <> all (archived))
    ),

    kinds as materialized (
        select row_number() over () as nth, d.traits from described as d group by d.traits
    ),

    matched as (
        select private.match_rules(rules, array_agg(k.traits order by k.nth)) as projects from kinds as k
    ),

    wanted as (
        select k.traits, m.project
        from matched as f
        cross join lateral unnest(f.projects) with ordinality as m (project, nth)
        inner join kinds as k on m.nth = k.nth
    ),

    changed as (
        update public.spans as s
        set project_id = w.project
        from described as d
        inner join wanted as w on d.traits = w.traits
        where
            s.workspace_id = tenant
            and s.trace_id = d.trace_id
            and s.span_id = d.span_id
            and s.week = of_week
            and d.project_id is distinct from w.project
        returning s.trace_id
    )

    select array_agg(c.trace_id) into moved from changed as c;
    if moved is not null then
        perform private.sum_traces(tenant, array(select distinct m from unnest(moved) as m), array[of_week]);
    end if;
    return coalesce(cardinality(moved), 0);
end
$$;
revoke all on function private.refile_span_week(uuid, date) from public;

create or replace function private.weeks_of_spans(tenant uuid)
returns date[]
language sql
stable
set search_path = ''
as $$
    select coalesce(array_agg(distinct t.week order by t.week), '{}') from public.traces as t where t.workspace_id = tenant
$$;
revoke all on function private.weeks_of_spans(uuid) from public;

-- Files all spans of a workspace again, unless they are too many to wait for.
create or replace function private.refile_few_spans(tenant uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
    few constant integer := 200000;
    of_week date;
begin
    if coalesce((select c.spans from private.span_counts as c where c.workspace_id = tenant), 0) > few then
        return; -- the trigger below has noted it
    end if;
    perform pg_advisory_xact_lock(private.span_lock(tenant));
    foreach of_week in array private.weeks_of_spans(tenant) loop
        perform private.refile_span_week(tenant, of_week);
    end loop;
    update private.span_counts as c set is_refiling_due = false where c.workspace_id = tenant and c.is_refiling_due;
end
$$;
revoke all on function private.refile_few_spans(uuid) from public;

-- Notes that a workspace's rules, or the projects they file under, are others than before.
create or replace function private.note_refiling()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    update private.span_counts as c
    set is_refiling_due = true
    where c.workspace_id = coalesce(new.workspace_id, old.workspace_id) and not c.is_refiling_due;
    return null;
end
$$;
revoke all on function private.note_refiling() from public;

create or replace trigger project_rules_refile_spans
    after insert or update or delete on public.project_rules
    for each row execute function private.note_refiling();

create or replace trigger projects_refile_spans
    after update on public.projects
    for each row when (old.archived_at is distinct from new.archived_at) execute function private.note_refiling();
