-- 099_custom_models.sql: models of a workspace that no list has: fine-tuned ones and those of its own servers.

-- public.custom_models: such a model under the name that its records have, and the model that it was made from.
create table if not exists public.custom_models (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null default auth.uid() references public.workspaces (id) on delete cascade,
    provider_id uuid not null references public.providers (id),
    model_name text not null check (length(model_name) between 1 and 200 and model_name <> '(unspecified)'),
    base_model text check (length(base_model) between 1 and 200), -- null = not known
    note text not null default '' check (length(note) <= 500),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint custom_models_once unique (workspace_id, provider_id, model_name),
    constraint custom_models_not_their_own_base check (base_model <> model_name)
);
create index if not exists custom_models_provider_id_idx on public.custom_models (provider_id);
alter table public.custom_models enable row level security;
revoke all on public.custom_models from anon, authenticated, service_role;
grant select, delete on public.custom_models to authenticated;
grant insert (id, workspace_id, provider_id, model_name, base_model, note, metadata) on public.custom_models to authenticated;
grant update (provider_id, model_name, base_model, note, metadata) on public.custom_models to authenticated;
grant select, insert, update, delete on public.custom_models to service_role;

drop policy if exists custom_models_select_member on public.custom_models;
create policy custom_models_select_member
    on public.custom_models
    for select
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('viewer'))));

drop policy if exists custom_models_insert_admin on public.custom_models;
create policy custom_models_insert_admin
    on public.custom_models
    for insert
    to authenticated
    with check (workspace_id = any(array(select private.workspaces_as('admin'))));

drop policy if exists custom_models_update_admin on public.custom_models;
create policy custom_models_update_admin
    on public.custom_models
    for update
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('admin'))))
    with check (workspace_id = any(array(select private.workspaces_as('admin'))));

drop policy if exists custom_models_delete_admin on public.custom_models;
create policy custom_models_delete_admin
    on public.custom_models
    for delete
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('admin'))));

create or replace trigger custom_models_touch
    before update on public.custom_models
    for each row execute function private.touch_updated_at();

select private.note_changes_of('public.custom_models');
select private.audit_changes_of('public.custom_models', array['provider_id', 'model_name', 'base_model', 'note']);

create or replace trigger custom_models_bound
    after insert on public.custom_models referencing new table as added
    for each statement execute function private.refuse_too_many(
        '1000', 'models of its own', 'Delete those that are no longer used in the catalogue.'
    );
