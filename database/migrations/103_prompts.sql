-- 103_prompts.sql: prompts, their versions, and which version each environment is given. What they cost is derived, never kept.

-- public.prompts: a prompt by its name. Written by functions only, as the two tables below.
create table if not exists public.prompts (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null default auth.uid() references public.workspaces (id) on delete cascade,
    project_id uuid, -- a hidden project hides the prompt
    name text not null check (length(name) between 1 and 200),
    tags text[] not null default '{}' check (cardinality(tags) <= 20 and pg_column_size(tags) <= 4096),
    archived_at timestamptz check (archived_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint prompts_once unique (workspace_id, name),
    constraint prompts_of_workspace unique (workspace_id, id),
    constraint prompts_project
    foreign key (workspace_id, project_id) references public.projects (workspace_id, id) on delete set null (project_id)
);
create index if not exists prompts_project_id_idx on public.prompts (workspace_id, project_id);

-- public.prompt_versions: versions of a prompt, which do not change but for their labels. `told_version` is what programs call
-- one that has another number here. A version that records named has no text unless somebody gave one.
create table if not exists public.prompt_versions (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null default auth.uid(),
    prompt_id uuid not null,
    number integer not null check (number between 1 and 1000000),
    told_version text check (length(told_version) between 1 and 100),
    content text check (octet_length(content) <= 1048576),
    content_sha256 bytea check (octet_length(content_sha256) = 32),
    message text not null default '' check (length(message) <= 500),
    author_id uuid references auth.users (id) on delete set null,
    variables text[] not null default '{}' check (cardinality(variables) <= 500 and pg_column_size(variables) <= 65536),
    labels text[] not null default '{}' check (cardinality(labels) <= 20 and pg_column_size(labels) <= 2048),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_at timestamptz not null default now(),
    constraint prompt_versions_once unique (prompt_id, number),
    constraint prompt_versions_told_once unique (prompt_id, told_version),
    constraint prompt_versions_of_prompt unique (workspace_id, prompt_id, id),
    constraint prompt_versions_prompt
    foreign key (workspace_id, prompt_id) references public.prompts (workspace_id, id) on delete cascade,
    constraint prompt_versions_text check ((content is null) = (content_sha256 is null))
);
create index if not exists prompt_versions_author_id_idx on public.prompt_versions (author_id);

-- public.prompt_deployments: shares of an environment's traffic. A change closes all rows of the environment and opens others at
-- the same instant; closed rows are the past. Keys of callers are drawn into 10,000 slots, of which a version has as many as its
-- share says. Rows of another installation have none, and lie side by side by number.
create table if not exists public.prompt_deployments (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null default auth.uid(),
    prompt_id uuid not null,
    environment text not null check (environment ~ '^[a-z0-9][a-z0-9._-]{0,49}$'),
    version_id uuid not null,
    share numeric(5, 2) not null check (share > 0 and share <= 100), -- percent
    slots int4multirange check (slots <@ '{[0,10000)}'::int4multirange),
    from_at timestamptz not null default now() check (
        from_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'
    ),
    to_at timestamptz check (to_at >= from_at and to_at <= timestamptz '2100-01-01T00:00Z'),
    deployed_by uuid references auth.users (id) on delete set null,
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    constraint prompt_deployments_version
    foreign key (workspace_id, prompt_id, version_id)
    references public.prompt_versions (workspace_id, prompt_id, id) on delete cascade
);
create index if not exists prompt_deployments_prompt_idx on public.prompt_deployments (prompt_id, environment, from_at);
create index if not exists prompt_deployments_version_idx on public.prompt_deployments (workspace_id, prompt_id, version_id);
create index if not exists prompt_deployments_deployed_by_idx on public.prompt_deployments (deployed_by);
create unique index if not exists prompt_deployments_live_idx
    on public.prompt_deployments (prompt_id, environment, version_id)
    where to_at is null;

do $$
declare
    name text;
begin
    foreach name in array array['prompts', 'prompt_versions', 'prompt_deployments'] loop
        execute format('alter table public.%I enable row level security', name);
        execute format('revoke all on public.%I from anon, authenticated, service_role', name);
        execute format('grant select on public.%I to authenticated, service_role', name);
    end loop;
end
$$;

drop policy if exists prompts_select_visible on public.prompts;
create policy prompts_select_visible
    on public.prompts
    for select
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('viewer')))
        and (project_id is null or project_id <> all(array(select private.hidden_projects())))
    );

-- Versions and deployments are seen with their prompt.
drop policy if exists prompt_versions_select_visible on public.prompt_versions;
create policy prompt_versions_select_visible
    on public.prompt_versions
    for select
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('viewer')))
        and prompt_id = any(array(select p.id from public.prompts as p))
    );

drop policy if exists prompt_deployments_select_visible on public.prompt_deployments;
create policy prompt_deployments_select_visible
    on public.prompt_deployments
    for select
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('viewer')))
        and prompt_id = any(array(select p.id from public.prompts as p))
    );

create or replace trigger prompts_touch
    before update on public.prompts
    for each row execute function private.touch_updated_at();

-- A version is what it was: only its labels change, and its author leaves it with the account.
create or replace function private.keep_prompt_version()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
    if
        to_jsonb(new) - array['labels', 'author_id'] <> to_jsonb(old) - array['labels', 'author_id']
        or (new.author_id is not null and new.author_id is distinct from old.author_id)
    then
        raise exception 'A version of a prompt never changes. Push a new one.' using errcode = '22023';
    end if;
    return new;
end
$$;
revoke all on function private.keep_prompt_version() from public;

create or replace trigger prompt_versions_keep
    before update on public.prompt_versions
    for each row execute function private.keep_prompt_version();

create or replace trigger prompts_bound
    after insert on public.prompts referencing new table as added
    for each statement execute function private.refuse_too_many('2000', 'prompts', 'Push further versions of those that it has.');
create or replace trigger prompt_versions_bound
    after insert on public.prompt_versions referencing new table as added
    for each statement execute function private.refuse_too_many(
        '10000', 'versions of prompts', 'Send further ones by name and version with your calls, without their texts.'
    );
create or replace trigger prompt_deployments_bound
    after insert on public.prompt_deployments referencing new table as added
    for each statement execute function private.refuse_too_many(
        '10000', 'deployments of prompts', 'Choose further splits in your program.'
    );

select private.note_changes_of('public.prompts');
select private.note_changes_of('public.prompt_versions');
select private.note_changes_of('public.prompt_deployments');
-- What the worker registers from records is nobody's change.
select private.audit_changes_of(
    'public.prompts', array['name', 'project_id', 'tags', 'archived_at'], array['insert', 'update'],
    'current_setting(''tally.is_registering'', true) is distinct from ''on'''
);
select private.audit_changes_of(
    'public.prompt_versions', array['prompt_id', 'number', 'message', 'labels'], array['insert', 'update'],
    'current_setting(''tally.is_registering'', true) is distinct from ''on'''
);
select private.audit_changes_of(
    'public.prompt_deployments', array['prompt_id', 'environment', 'version_id', 'share', 'to_at'], array['insert', 'update']
);

-- The number of the version of a prompt that programs call by this text: its own name, the number of one without such a name, or
-- the beginning of its text's hash. Null for one that is not known.
create or replace function private.find_told_version(of_prompt uuid, told text)
returns integer
language sql
stable
set search_path = ''
as $$
    select v.number
    from public.prompt_versions as v
    where
        v.prompt_id = of_prompt
        and (
            v.told_version = told
            or (v.told_version is null and v.number::text = told)
            or (
                told ~ '^(sha256:)?[0-9a-f]{7,64}$'
                and encode(v.content_sha256, 'hex') like replace(told, 'sha256:', '') || '%'
            )
        )
    order by v.told_version = told desc nulls last, v.number::text = told desc, v.number desc
    limit 1
$$;
revoke all on function private.find_told_version(uuid, text) from public;
