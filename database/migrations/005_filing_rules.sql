-- 005_filing_rules.sql: a workspace's rules that file records under projects, its aliases of people, and its names of billing
-- accounts. What they do is in 028_filing.sql.

-- public.project_rules: the first rule that a record meets files it. Written by public.set_rules.
create table if not exists public.project_rules (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    position integer not null check (position between 1 and 200),
    field text not null check (
        field in (
            'folder', 'repository', 'branch', 'api_key', 'provider_project', 'person', 'source', 'tag', 'model', 'billing_account'
        )
    ),
    match text not null check (match in ('exact', 'prefix')),
    value text not null check (length(value) between 1 and 500),
    project_id uuid not null,
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_at timestamptz not null default now(),
    constraint project_rules_once unique (workspace_id, position) deferrable,
    constraint project_rules_project
    foreign key (workspace_id, project_id) references public.projects (workspace_id, id) on delete cascade
);
create index if not exists project_rules_project_idx on public.project_rules (workspace_id, project_id);
alter table public.project_rules enable row level security;
revoke all on public.project_rules from anon, authenticated, service_role;
grant select on public.project_rules to authenticated;
grant select, insert, update, delete on public.project_rules to service_role;

drop policy if exists project_rules_select_visible on public.project_rules;
create policy project_rules_select_visible
    on public.project_rules
    for select
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('viewer')))
        and project_id <> all(array(select private.hidden_projects()))
    );

select private.note_changes_of('public.project_rules');

-- A workspace's rules that apply: those of an archived project wait for its return, unless it is the one that is given.
create or replace function private.active_rules(tenant uuid, restored uuid default null)
returns public.project_rules[]
language plpgsql -- its plan is kept
stable
set search_path = ''
as $$
begin
    return array(
        select r
        from public.project_rules as r
        inner join public.projects as p on r.project_id = p.id
        where r.workspace_id = tenant and (p.archived_at is null or p.id = restored)
        order by r.position
    );
end
$$;
revoke all on function private.active_rules(uuid, uuid) from public;

-- The fields that these rules ask for; others need not be read.
create or replace function private.fields_of(rules public.project_rules[])
returns text[]
language plpgsql -- a function in SQL would be planned in every call
immutable
set search_path = ''
as $$
begin
    return array(select distinct r.field from unnest(rules) as r);
end
$$;
revoke all on function private.fields_of(public.project_rules[]) from public;

-- Rules as they are sent, to compare lists.
create or replace function private.write_rules(rules public.project_rules[])
returns jsonb
language sql
immutable
set search_path = ''
as $$
    select
        coalesce(
            jsonb_agg(
                jsonb_build_object('field', r.field, 'match', r.match, 'value', r.value, 'project_id', r.project_id)
                order by r.position
            ),
            '[]'
        )
    from unnest(rules) as r
$$;
revoke all on function private.write_rules(public.project_rules[]) from public;

-- One name for one model, as cost_records.model_key has it.
create or replace function private.model_key_of(model_name text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
    return case
        when model_name = '(unspecified)' then ''
        else lower(regexp_replace(model_name, '[-@](20[0-9]{2}-?[01][0-9]-?[0-3][0-9]|latest)$', ''))
    end;
end
$$;
revoke all on function private.model_key_of(text) from public;

-- public.person_aliases: whose usage a source means by an e-mail, an id or a machine's owner. Written by public.set_aliases.
create table if not exists public.person_aliases (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    value text not null check (length(value) between 1 and 300 and value = lower(value)),
    user_id uuid not null references auth.users (id) on delete cascade,
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_at timestamptz not null default now(),
    constraint person_aliases_once unique (workspace_id, value)
);
create index if not exists person_aliases_user_id_idx on public.person_aliases (user_id);
alter table public.person_aliases enable row level security;
revoke all on public.person_aliases from anon, authenticated, service_role;
grant select on public.person_aliases to authenticated;
grant select, insert, update, delete on public.person_aliases to service_role;

drop policy if exists person_aliases_select_admin on public.person_aliases;
create policy person_aliases_select_admin
    on public.person_aliases
    for select
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('admin'))));

select private.note_changes_of('public.person_aliases');

-- public.billing_accounts: names that people gave to billing accounts. Written by public.name_billing_account.
create table if not exists public.billing_accounts (
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    account text not null check (length(account) between 1 and 200),
    name text not null check (length(name) between 1 and 100),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (workspace_id, account)
);
alter table public.billing_accounts enable row level security;
revoke all on public.billing_accounts from anon, authenticated, service_role;
grant select on public.billing_accounts to authenticated;
grant select, insert, update, delete on public.billing_accounts to service_role;

drop policy if exists billing_accounts_select_member on public.billing_accounts;
create policy billing_accounts_select_member
    on public.billing_accounts
    for select
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('viewer'))));

create or replace trigger billing_accounts_touch
    before update on public.billing_accounts
    for each row execute function private.touch_updated_at();

select private.note_changes_of('public.billing_accounts');

-- Names a billing account for everybody in the workspace; an empty name takes the name away.
create or replace function public.name_billing_account(workspace uuid, account text, name text)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    chosen text;
begin
    if private.trim_text($3) is null then
        delete from public.billing_accounts as b
        where b.workspace_id = tenant and b.account = $2;
        return;
    end if;
    chosen := private.clean_name($3, 'billing account');
    if not exists (select from private.day_parts as p where p.workspace_id = tenant and p.billing_account = $2) then
        raise exception 'This workspace has no records of this billing account.' using errcode = '22023';
    end if;
    insert into public.billing_accounts as b (workspace_id, account, name)
    values (tenant, $2, chosen)
    on conflict on constraint billing_accounts_pkey do update -- the parameter `account` is no column
        set name = excluded.name;
end
$$;
revoke all on function public.name_billing_account(uuid, text, text) from public, anon, service_role;
grant execute on function public.name_billing_account(uuid, text, text) to authenticated;
