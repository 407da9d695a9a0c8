-- 118_provider_jobs.sql: batches, fine-tuning jobs, files and vector stores that providers keep, as connections find them.

-- public.provider_jobs: one row each, written by public.save_provider_jobs. `synchronous_usd` is the price of a batch's requests
-- without the batch; null is what the provider does not tell, or what has no price.
create table if not exists public.provider_jobs (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    credential_id uuid not null,
    provider_id uuid not null references public.providers (id),
    kind text not null check (kind in ('batch', 'fine_tuning', 'file', 'vector_store')),
    told_id text not null check (length(told_id) between 1 and 200),
    name text not null default '' check (length(name) <= 200),
    state text not null check (length(state) between 1 and 40),
    model text check (length(model) between 1 and 200),
    trained_model text check (length(trained_model) between 1 and 200),
    requests bigint check (requests between 0 and 1000000000000000),
    failed_requests bigint check (failed_requests between 0 and 1000000000000000),
    input_tokens bigint check (input_tokens between 0 and 1000000000000000),
    cached_input_tokens bigint check (cached_input_tokens between 0 and 1000000000000000),
    output_tokens bigint check (output_tokens between 0 and 1000000000000000),
    trained_tokens bigint check (trained_tokens between 0 and 1000000000000000),
    cost_usd numeric(18, 10) check (cost_usd between 0 and 10000000),
    synchronous_usd numeric(18, 10) check (synchronous_usd between 0 and 10000000),
    stored_bytes bigint check (stored_bytes between 0 and 1000000000000000),
    began_at timestamptz not null check (began_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    ended_at timestamptz check (ended_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint provider_jobs_once unique (workspace_id, credential_id, kind, told_id),
    constraint provider_jobs_of_connections foreign key (workspace_id, credential_id)
    references public.api_credentials (workspace_id, id) on delete cascade
);
create index if not exists provider_jobs_provider_id_idx on public.provider_jobs (provider_id);
alter table public.provider_jobs enable row level security;
revoke all on public.provider_jobs from anon, authenticated, service_role;
grant select on public.provider_jobs to authenticated, service_role;

drop policy if exists provider_jobs_select_admin on public.provider_jobs;
create policy provider_jobs_select_admin
    on public.provider_jobs
    for select
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('admin'))));

select private.note_changes_of('public.provider_jobs');

create or replace trigger provider_jobs_bound
    after insert on public.provider_jobs referencing new table as added
    for each statement execute function private.refuse_too_many(
        '20000', 'jobs and files of providers', 'Delete files and vector stores at the provider that are no longer needed.'
    );

-- Gives models that were just trained a place in the catalogue; one that was taken away before does not come back.
create or replace function private.add_trained_models(tenant uuid, credential uuid, jobs jsonb)
returns void
language plpgsql
set search_path = ''
as $$
begin
    insert into public.custom_models (workspace_id, provider_id, model_name, base_model, note)
    select distinct on (j.trained_model)
        tenant, c.provider_id, j.trained_model, nullif(j.model, j.trained_model), left('Trained by ' || j.told_id, 500)
    from jsonb_to_recordset(jobs) as j (told_id text, model text, trained_model text)
    inner join public.api_credentials as c on c.workspace_id = tenant and c.id = credential
    where
        j.trained_model is not null
        and not exists (
            select from public.provider_jobs as p
            where
                p.workspace_id = tenant and p.credential_id = credential and p.told_id = j.told_id
                and p.trained_model is not null
        )
    order by j.trained_model
    limit greatest(0, 1000 - (select count(*) from public.custom_models as m where m.workspace_id = tenant))
    on conflict on constraint custom_models_once do nothing;
end
$$;
revoke all on function private.add_trained_models(uuid, uuid, jsonb) from public;

-- Saves all jobs of a kind that a connection's provider has: [{told_id, state, began_at, ...}]. Files and vector stores that it
-- no longer has have ended. Returns how many there are.
create or replace function public.save_provider_jobs(credential_id uuid, kind text, jobs jsonb, workspace uuid default null)
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    provider uuid;
    saved integer;
begin
    select c.provider_id into provider
    from public.api_credentials as c
    where c.workspace_id = tenant and c.id = $1
    for update;
    if not found then
        raise exception 'This connection no longer exists.' using errcode = '22023';
    end if;
    if jsonb_typeof($3) is distinct from 'array' or jsonb_array_length($3) > 20000 then
        raise exception 'Jobs are a list of 20,000 at most.' using errcode = '22023';
    end if;
    perform private.add_trained_models(tenant, $1, $3);
    insert into public.provider_jobs as p (
        workspace_id, credential_id, provider_id, kind, told_id, name, state, model, trained_model, requests, failed_requests,
        input_tokens, cached_input_tokens, output_tokens, trained_tokens, cost_usd, synchronous_usd, stored_bytes, began_at, ended_at
    )
    select distinct on (j.told_id)
        tenant, $1, provider, $2, j.told_id, coalesce(j.name, ''), j.state, j.model, j.trained_model, j.requests, j.failed_requests,
        j.input_tokens, j.cached_input_tokens, j.output_tokens, j.trained_tokens, j.cost_usd, j.synchronous_usd, j.stored_bytes,
        j.began_at, j.ended_at
    from jsonb_to_recordset($3) as j (
        told_id text, name text, state text, model text, trained_model text, requests bigint, failed_requests bigint,
        input_tokens bigint, cached_input_tokens bigint, output_tokens bigint, trained_tokens bigint, cost_usd numeric,
        synchronous_usd numeric, stored_bytes bigint, began_at timestamptz, ended_at timestamptz
    )
    order by j.told_id
    on conflict on constraint provider_jobs_once do update
        set
            name = excluded.name, state = excluded.state, model = excluded.model, trained_model = excluded.trained_model,
            requests = excluded.requests, failed_requests = excluded.failed_requests, input_tokens = excluded.input_tokens,
            cached_input_tokens = excluded.cached_input_tokens, output_tokens = excluded.output_tokens,
            trained_tokens = excluded.trained_tokens, cost_usd = excluded.cost_usd, synchronous_usd = excluded.synchronous_usd,
            stored_bytes = excluded.stored_bytes, began_at = excluded.began_at, ended_at = excluded.ended_at, updated_at = now();
    get diagnostics saved = row_count;
    if $2 in ('file', 'vector_store') then
        update public.provider_jobs as p
        set ended_at = now(), state = 'deleted', updated_at = now()
        where
            p.workspace_id = tenant and p.credential_id = $1 and p.kind = $2 and p.state <> 'deleted'
            and not exists (select from jsonb_to_recordset($3) as j (told_id text) where j.told_id = p.told_id);
    end if;
    return saved;
end
$$;
revoke all on function public.save_provider_jobs(uuid, text, jsonb, uuid) from public, anon, service_role;
grant execute on function public.save_provider_jobs(uuid, text, jsonb, uuid) to authenticated;
