-- 058_naming_models.sql: a workspace says once which model a name is; the name as it was stays in metadata, for the way back.

-- Gives the statements of a name that model, or, where it is null, their name again. Returns how many that were.
create or replace function private.rename_model(tenant uuid, provider uuid, name text, model text)
returns bigint
language plpgsql
set search_path = ''
as $$
declare
    superseded bigint;
    effective bigint;
begin
    update public.superseded_records as s
    set
        model_name = coalesce(model, name),
        metadata = s.metadata - 'model_alias' || case when model is null then '{}' else jsonb_build_object('model_alias', name) end
    where
        s.workspace_id = tenant
        and s.provider_id = provider
        and coalesce(s.metadata ->> 'model_alias', s.model_name) = name
        and s.model_name <> coalesce(model, name);
    get diagnostics superseded = row_count;
    update public.cost_records as r
    set
        model_name = coalesce(model, name),
        metadata = r.metadata - 'model_alias' || case when model is null then '{}' else jsonb_build_object('model_alias', name) end
    where
        r.workspace_id = tenant
        and r.provider_id = provider
        and coalesce(r.metadata ->> 'model_alias', r.model_name) = name
        and r.model_name <> coalesce(model, name);
    get diagnostics effective = row_count;
    return superseded + effective;
end
$$;
revoke all on function private.rename_model(uuid, uuid, text, text) from public;

-- The first local day with a statement of that name; null without any.
create or replace function private.first_day_of_name(tenant uuid, provider uuid, name text)
returns date
language sql
stable
set search_path = ''
as $$
    select (min(s.first_at) at time zone private.timezone_of(tenant))::date
    from (
        select min(r.timestamp) as first_at
        from public.cost_records as r
        where
            r.workspace_id = tenant and r.provider_id = provider and coalesce(r.metadata ->> 'model_alias', r.model_name) = name
        union all
        select min(k.timestamp)
        from public.superseded_records as k
        where
            k.workspace_id = tenant and k.provider_id = provider and coalesce(k.metadata ->> 'model_alias', k.model_name) = name
    ) as s
$$;
revoke all on function private.first_day_of_name(uuid, uuid, text) from public;

-- Says which model a name of a provider is, for everybody in the workspace; an empty model takes that back. Bills are renamed,
-- too, so that they still cover the usage of their model; prices are the caller's to apply. Repeating it names what was saved
-- meanwhile. Returns {records, first_day}: how many statements were renamed, and from when on there are any.
create or replace function public.name_model(workspace uuid, provider text, name text, model text)
returns json
language plpgsql
security definer
set search_path = ''
set statement_timeout = '120s'
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    chosen constant text := private.trim_text($4);
    of_provider constant uuid := (select p.id from public.providers as p where p.name = $2);
    rules public.project_rules[];
    renamed bigint;
begin
    if of_provider is null then
        raise exception 'Choose a provider that Tally knows.' using errcode = '22023';
    end if;
    if (length($3) between 1 and 200 and $3 not in ('(unspecified)', coalesce(chosen, ''))) is not true then
        raise exception 'Give a name of 1 to 200 characters, and the model that it is.' using errcode = '22023';
    end if;
    if length(chosen) > 200 or chosen = '(unspecified)' then
        raise exception 'Give the model a name of 1 to 200 characters.' using errcode = '22023';
    end if;
    perform private.wait_to_file(tenant);
    if chosen is null then
        delete from public.model_aliases as a
        where a.workspace_id = tenant and a.provider_id = of_provider and a.name = $3;
    else
        insert into public.model_aliases as a (workspace_id, provider_id, name, model_name)
        values (tenant, of_provider, $3, chosen)
        on conflict on constraint model_aliases_once do update -- the parameter `name` is no column
            set model_name = excluded.model_name
            where a.model_name <> excluded.model_name;
    end if;
    renamed := private.rename_model(tenant, of_provider, $3, chosen);
    rules := private.active_rules(tenant);
    if 'model' = any (private.fields_of(rules)) then
        perform private.move_to_projects(tenant, private.plan_rules(tenant, rules), private.fields_of(rules));
    end if;
    return json_build_object('records', renamed, 'first_day', private.first_day_of_name(tenant, of_provider, $3));
end
$$;
revoke all on function public.name_model(uuid, text, text, text) from public, anon, service_role;
grant execute on function public.name_model(uuid, text, text, text) to authenticated;
