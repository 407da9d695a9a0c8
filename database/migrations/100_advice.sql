-- 100_advice.sql: what would cost less, as the nightly run finds it, and what people decided about it.

-- public.advice: one row for one change, by its kind and what it is about. Figures are those of a month, in US dollars; once a
-- person applied it they stay as they were, because what was saved is compared with them.
create table if not exists public.advice (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    kind text not null check (
        kind in (
            'experiment', 'model_switch', 'caching', 'cache_hour', 'cache_minutes', 'batch', 'long_context', 'priority', 'plan',
            'api_instead', 'unused_subscription', 'idle_key', 'repeats', 'retirement'
        )
    ),
    subject jsonb not null check (jsonb_typeof(subject) = 'object' and pg_column_size(subject) <= 4096),
    subject_hash text not null generated always as (md5(subject::text)) stored check (length(subject_hash) = 32),
    project_id uuid, -- a private one hides the advice
    person_id uuid, -- of advice about one person, which only that person and admins see
    current_usd numeric not null check (current_usd between 0 and 1000000000000),
    saving_low numeric not null check (saving_low between -1000000000000 and 1000000000000), -- NaN is above any number
    saving_mid numeric not null check (saving_mid between -1000000000000 and 1000000000000),
    saving_high numeric not null check (saving_high between -1000000000000 and 1000000000000),
    confidence text not null check (confidence in ('high', 'medium', 'low')),
    basis text not null check (basis in ('measured', 'modelled')),
    evidence jsonb not null default '{}' check (jsonb_typeof(evidence) = 'object' and pg_column_size(evidence) <= 16384),
    assumptions jsonb not null default '[]' check (jsonb_typeof(assumptions) = 'array' and pg_column_size(assumptions) <= 8192),
    window_from date not null check (window_from between date '2020-01-01' and date '2100-01-01'),
    window_to date not null check (window_to between date '2020-01-01' and date '2100-01-01'),
    status text not null default 'open' check (status in ('open', 'applied', 'dismissed', 'expired')),
    found_at timestamptz not null default now() check (
        found_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'
    ),
    decided_at timestamptz check (decided_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    decided_by uuid references auth.users (id) on delete set null,
    dismissed_saving numeric check (dismissed_saving between -1000000000000 and 1000000000000),
    verification jsonb check (jsonb_typeof(verification) = 'object' and pg_column_size(verification) <= 32768),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint advice_once unique (workspace_id, kind, subject_hash),
    constraint advice_range check (saving_low <= saving_mid and saving_mid <= saving_high),
    constraint advice_window check (window_from <= window_to),
    constraint advice_decision check ((status in ('applied', 'dismissed')) = (decided_at is not null)),
    constraint advice_project
    foreign key (workspace_id, project_id) references public.projects (workspace_id, id) on delete cascade
);
create index if not exists advice_project_idx on public.advice (workspace_id, project_id);
create index if not exists advice_decided_by_idx on public.advice (decided_by);
alter table public.advice enable row level security;
revoke all on public.advice from anon, authenticated, service_role;
grant select on public.advice to authenticated, service_role;

drop policy if exists advice_select_member on public.advice;
create policy advice_select_member
    on public.advice
    for select
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_showing_totals()))
        and (project_id is null or project_id <> all(array(select private.hidden_projects())))
        and (
            person_id is null
            or person_id = (select auth.uid())
            or workspace_id = any(array(select private.workspaces_as('admin')))
        )
    );

select private.note_changes_of('public.advice');
create or replace trigger advice_touch
    before update on public.advice
    for each row execute function private.touch_updated_at();

-- How long advice that was dismissed stays away, unless it would save twice as much by then.
create or replace function private.dismissed_days()
returns integer
language sql
immutable
set search_path = ''
as $$
    select 90
$$;
revoke all on function private.dismissed_days() from public;

-- Keeps what was found for a workspace: an array of up to 50 objects with the columns of a row. What is open gets the new
-- figures, what is no longer found expires, what was applied stays as it was. Returns the number of open ones.
create or replace function private.keep_advice(tenant uuid, pieces jsonb, window_from date, window_to date)
returns integer
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
begin
    -- A decision and a nightly run see each other.
    perform pg_advisory_xact_lock(hashtextextended('tally.advice.' || tenant::text, 0));
    insert into public.advice as a (
        workspace_id, kind, subject, project_id, person_id, current_usd, saving_low, saving_mid, saving_high, confidence, basis,
        evidence, assumptions, window_from, window_to
    )
    select
        tenant, f.kind, f.subject, f.project_id, f.person_id, f.current_usd, f.saving_low, f.saving_mid, f.saving_high,
        f.confidence, f.basis, f.evidence, f.assumptions, $3, $4
    from jsonb_populate_recordset(null::public.advice, pieces) as f
    on conflict on constraint advice_once do update
        set
            project_id = excluded.project_id, person_id = excluded.person_id, current_usd = excluded.current_usd,
            saving_low = excluded.saving_low, saving_mid = excluded.saving_mid, saving_high = excluded.saving_high,
            confidence = excluded.confidence, basis = excluded.basis, evidence = excluded.evidence,
            assumptions = excluded.assumptions, window_from = excluded.window_from, window_to = excluded.window_to,
            status = 'open', found_at = case when a.status = 'open' then a.found_at else now() end,
            decided_at = null, decided_by = null, dismissed_saving = null, verification = null
        where
            a.status in ('open', 'expired')
            or a.status = 'dismissed' and (
                a.decided_at <= now() - make_interval(days => private.dismissed_days())
                or excluded.saving_mid > 0 and excluded.saving_mid >= 2 * a.dismissed_saving
            );
    update public.advice as a
    set status = 'expired'
    where
        a.workspace_id = tenant and a.status = 'open'
        and not exists (
            select
            from jsonb_populate_recordset(null::public.advice, pieces) as f
            where f.kind = a.kind and f.subject = a.subject
        );
    delete from public.advice as a
    where
        a.workspace_id = tenant
        and (
            a.status = 'expired' and a.updated_at < now() - interval '1 year'
            or a.status = 'dismissed' and a.decided_at < now() - interval '2 years'
        );
    return (select count(*) from public.advice as a where a.workspace_id = tenant and a.status = 'open');
end
$$;
revoke all on function private.keep_advice(uuid, jsonb, date, date) from public;

-- Applies or dismisses open advice, or opens decided advice again. Only admins decide.
create or replace function public.decide_advice(advice uuid, status text)
returns void
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
    wanted constant text := $2;
    before_it public.advice;
begin
    select a.* into before_it
    from public.advice as a
    where
        a.id = $1
        and a.workspace_id = any(array(select private.workspaces_as('viewer')))
        and (a.project_id is null or a.project_id <> all(array(select private.hidden_projects())));
    if before_it.id is null then
        raise exception 'This advice no longer exists. Reload the page.' using errcode = '22023';
    end if;
    perform private.require_workspace(before_it.workspace_id, 'admin');
    perform pg_advisory_xact_lock(hashtextextended('tally.advice.' || before_it.workspace_id::text, 0));
    select a.* into before_it from public.advice as a where a.id = $1 for update;
    if wanted is null or wanted not in ('open', 'applied', 'dismissed') then
        raise exception 'Advice can be applied, dismissed, or opened again.' using errcode = '22023';
    end if;
    if before_it.status = wanted then
        return; -- sent again
    end if;
    if before_it.id is null or before_it.status = 'expired' then
        raise exception 'This advice is no longer open. Reload the page.' using errcode = '22023';
    end if;
    if wanted <> 'open' and before_it.status <> 'open' then
        raise exception 'Somebody has decided about this advice meanwhile: it is %. Reload the page.', before_it.status
            using errcode = '22023';
    end if;
    update public.advice as a
    set
        status = wanted,
        decided_at = case when wanted <> 'open' then now() end,
        decided_by = case when wanted <> 'open' then auth.uid() end,
        dismissed_saving = case when wanted = 'dismissed' then a.saving_mid end,
        verification = null
    where a.id = $1;
    perform private.write_audit(
        before_it.workspace_id,
        private.describe_change(
            'advice', to_jsonb(before_it), to_jsonb(before_it) || jsonb_build_object('status', wanted), array['status']
        )
    );
end
$$;
revoke all on function public.decide_advice(uuid, text) from public, anon, service_role;
grant execute on function public.decide_advice(uuid, text) to authenticated;

create or replace function private.max_advice()
returns bigint
language sql
immutable
set search_path = ''
as $$
    select 5000::bigint
$$;
revoke all on function private.max_advice() from public;

-- Adds a piece of advice of another installation's export, with what was decided there; false for one that the workspace has.
-- What is about one person becomes the caller's.
create or replace function public.bring_advice(workspace uuid, details jsonb)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
    tenant constant uuid := private.require_workspace($1, 'admin');
    given constant public.advice := jsonb_populate_record(null::public.advice, $2);
begin
    perform pg_advisory_xact_lock(hashtextextended('tally.advice.' || tenant::text, 0));
    if (select count(*) >= private.max_advice() from public.advice as a where a.workspace_id = tenant) then
        raise exception 'A workspace can have % pieces of advice at most. Old ones are forgotten after a year.',
            private.max_advice() using errcode = '22023';
    end if;
    insert into public.advice as a (
        workspace_id, kind, subject, project_id, person_id, current_usd, saving_low, saving_mid, saving_high, confidence, basis,
        evidence, assumptions, window_from, window_to, status, found_at, decided_at, dismissed_saving, verification, metadata
    )
    values (
        tenant, given.kind, given.subject, given.project_id,
        case when given.kind in ('api_instead', 'unused_subscription', 'idle_key') then auth.uid() end, given.current_usd,
        given.saving_low, given.saving_mid, given.saving_high, given.confidence, given.basis, given.evidence, given.assumptions,
        given.window_from, given.window_to, given.status, given.found_at, given.decided_at, given.dismissed_saving,
        given.verification, coalesce(given.metadata, '{}')
    )
    on conflict on constraint advice_once do nothing;
    return found;
exception
    when check_violation or not_null_violation or foreign_key_violation then
        raise exception 'This advice does not fit together.' using errcode = '22023';
end
$$;
revoke all on function public.bring_advice(uuid, jsonb) from public, anon, service_role;
grant execute on function public.bring_advice(uuid, jsonb) to authenticated;
