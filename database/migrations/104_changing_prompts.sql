-- 104_changing_prompts.sql: pushing, labelling, tagging and archiving prompts.

-- A prompt of a workspace that the caller may see, locked where it is about to change; 22023 for none.
create or replace function private.require_prompt(tenant uuid, name text, is_changed boolean default false)
returns public.prompts
language plpgsql
set search_path = ''
as $$
declare
    found_one public.prompts;
    hidden constant uuid[] := array(select private.hidden_projects());
begin
    if is_changed then
        perform pg_advisory_xact_lock(hashtextextended('tally.prompts.' || tenant::text, 0));
    end if;
    select p.* into found_one
    from public.prompts as p
    where p.workspace_id = tenant and p.name = $2 and (p.project_id is null or p.project_id <> all (hidden));
    if found_one.id is null then
        raise exception 'There is no prompt “%” in this workspace. Check its name.', coalesce(left($2, 100), '') using errcode = '22023';
    end if;
    if is_changed and found_one.archived_at is not null then
        raise exception 'The prompt “%” is archived. Restore it first.', left($2, 100) using errcode = '22023';
    end if;
    return found_one;
end
$$;
revoke all on function private.require_prompt(uuid, text, boolean) from public;

-- The id of a version of a prompt by its number; 22023 for none.
create or replace function private.require_prompt_version(prompt public.prompts, number integer)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
declare
    found_one uuid;
begin
    select v.id into found_one
    from public.prompt_versions as v
    where v.prompt_id = prompt.id and v.number = $2;
    if found_one is null then
        raise exception 'The prompt “%” has no version %.', prompt.name, coalesce($2::text, 'without a number')
            using errcode = '22023';
    end if;
    return found_one;
end
$$;
revoke all on function private.require_prompt_version(public.prompts, integer) from public;

-- Names such as labels and tags, in order and each once, at most `most` of up to 50 characters.
create or replace function private.clean_words(given text[], of_what text, most integer)
returns text[]
language plpgsql
immutable
set search_path = ''
as $$
declare
    cleaned constant text[] := array(
        select distinct private.clean_name(g, of_what)
        from unnest(coalesce(given, '{}')) as g
        order by 1
    );
begin
    if cardinality(cleaned) > most then
        raise exception 'There can be % of them at most: %s are short names.', most, of_what using errcode = '22023';
    end if;
    if exists (select from unnest(cleaned) as c where length(c) > 50) then
        raise exception 'A % has 50 characters at most.', of_what using errcode = '22023';
    end if;
    return cleaned;
end
$$;
revoke all on function private.clean_words(text[], text, integer) from public;

-- Keeps a text as the newest version of a prompt, which is made if there is none of this name: {number, sha256, is_new}. The text
-- of the newest version is that version. `variables` are those that the caller found in the text.
create or replace function public.push_prompt(
    workspace uuid, name text, content text, message text default '', variables text[] default '{}', labels text[] default '{}'
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'member');
    known constant text := private.clean_name($2, 'prompt');
    kept constant text := replace(replace($3, E'\r\n', E'\n'), E'\r', E'\n');
    hash constant bytea := sha256(convert_to(kept, 'UTF8'));
    marked constant text[] := private.clean_prompt_labels($6);
    prompt public.prompts;
    newest public.prompt_versions;
begin
    if btrim(coalesce(kept, ''), E' \n\t') = '' then
        raise exception 'This prompt is empty. Push its text.' using errcode = '22023';
    end if;
    if octet_length(kept) > 1048576 then
        raise exception 'This prompt has % bytes, and 1,048,576 (1 MB) is the most. Shorten it, or send parts as variables.',
            ltrim(to_char(octet_length(kept), '999,999,999,999')) using errcode = '22023';
    end if;
    if length(coalesce($4, '')) > 500 then
        raise exception 'The message has % characters, and 500 is the most.', length($4) using errcode = '22023';
    end if;
    perform pg_advisory_xact_lock(hashtextextended('tally.prompts.' || tenant::text, 0));
    insert into public.prompts as p (workspace_id, name) values (tenant, known) on conflict on constraint prompts_once do nothing;
    prompt := private.require_prompt(tenant, known, true);
    select v.* into newest
    from public.prompt_versions as v
    where v.prompt_id = prompt.id
    order by v.number desc
    limit 1;
    if newest.content_sha256 = hash then
        return json_build_object('number', newest.number, 'sha256', encode(hash, 'hex'), 'is_new', false);
    end if;
    if
        (
            select sum(octet_length(v.content)) + octet_length(kept) > 268435456
            from public.prompt_versions as v
            where v.workspace_id = tenant
        )
    then
        raise exception 'The texts of this workspace''s prompts would have more than 256 MB. Push shorter ones.' using errcode = '22023';
    end if;
    insert into public.prompt_versions as v (
        workspace_id, prompt_id, number, content, content_sha256, message, author_id, variables, labels
    )
    values (
        tenant, prompt.id, coalesce(newest.number, 0) + 1, kept, hash, coalesce(btrim($4), ''), auth.uid(),
        coalesce($5, '{}'), marked
    );
    perform private.take_labels(prompt.id, coalesce(newest.number, 0) + 1, marked);
    return json_build_object('number', coalesce(newest.number, 0) + 1, 'sha256', encode(hash, 'hex'), 'is_new', true);
end
$$;
revoke all on function public.push_prompt(uuid, text, text, text, text[], text[]) from public, anon, service_role;
grant execute on function public.push_prompt(uuid, text, text, text, text[], text[]) to authenticated;

-- Labels of a version; those that name what is deployed or newest are nobody's to give.
create or replace function private.clean_prompt_labels(labels text[])
returns text[]
language plpgsql
immutable
set search_path = ''
as $$
declare
    cleaned constant text[] := private.clean_words(labels, 'label', 20);
begin
    if cleaned && array['production', 'latest'] then
        raise exception 'The labels production and latest are given by deploying and pushing. Choose another name.'
            using errcode = '22023';
    end if;
    return cleaned;
end
$$;
revoke all on function private.clean_prompt_labels(text[]) from public;

-- A label is on one version of a prompt: the others lose it.
create or replace function private.take_labels(of_prompt uuid, number integer, labels text[])
returns void
language sql
set search_path = ''
as $$
    update public.prompt_versions as v
    set labels = array(select l from unnest(v.labels) as l where l <> all ($3) order by l)
    where v.prompt_id = of_prompt and v.number <> $2 and v.labels && $3
$$;
revoke all on function private.take_labels(uuid, integer, text[]) from public;

create or replace function public.label_prompt_version(workspace uuid, prompt text, number integer, labels text[])
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'member');
    labelled constant public.prompts := private.require_prompt(tenant, $2, true);
    version constant uuid := private.require_prompt_version(labelled, $3);
    marked constant text[] := private.clean_prompt_labels($4);
begin
    perform private.take_labels(labelled.id, $3, marked);
    update public.prompt_versions as v
    set labels = marked
    where v.id = version and v.labels <> marked;
end
$$;
revoke all on function public.label_prompt_version(uuid, text, integer, text[]) from public, anon, service_role;
grant execute on function public.label_prompt_version(uuid, text, integer, text[]) to authenticated;

-- Sets the tags of a prompt and its project, null for none.
create or replace function public.change_prompt(workspace uuid, prompt text, tags text[], project uuid default null)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'member');
    changed constant public.prompts := private.require_prompt(tenant, $2, true);
    cleaned constant text[] := private.clean_words($3, 'tag', 20);
begin
    if
        $4 is not null
        and not exists (
            select
            from public.projects as j
            where j.workspace_id = tenant and j.id = $4 and j.id not in (select private.hidden_projects())
        )
    then
        raise exception 'There is no such project in this workspace. Reload the page.' using errcode = '22023';
    end if;
    update public.prompts as p set tags = cleaned, project_id = $4 where p.id = changed.id;
end
$$;
revoke all on function public.change_prompt(uuid, text, text[], uuid) from public, anon, service_role;
grant execute on function public.change_prompt(uuid, text, text[], uuid) to authenticated;

-- Archives a prompt, or restores it. What runs keeps running: programs that ask for it get what is deployed.
create or replace function public.archive_prompt(workspace uuid, prompt text, archived boolean default true)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    changed constant public.prompts := private.require_prompt(tenant, $2);
begin
    update public.prompts as p
    set archived_at = case when $3 then now() end
    where p.id = changed.id and (p.archived_at is null) = $3;
end
$$;
revoke all on function public.archive_prompt(uuid, text, boolean) from public, anon, service_role;
grant execute on function public.archive_prompt(uuid, text, boolean) to authenticated;

-- Adds a prompt of another installation with those versions and deployments that it lacks here, by number: {is_new, versions,
-- deployments} are how many were added. A prompt that has deployments keeps them.
create or replace function public.bring_prompt(workspace uuid, prompt json, versions json, deployments json)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    name constant text := $2 ->> 'name';
    brought public.prompts;
    new_prompts integer;
    new_versions integer;
    new_deployments integer := 0;
begin
    if coalesce(name ~ '^\s|\s$|[[:cntrl:]]', true) then
        raise exception 'A prompt of this file has no name that can be kept.' using errcode = '22023';
    end if;
    perform pg_advisory_xact_lock(hashtextextended('tally.prompts.' || tenant::text, 0));
    insert into public.prompts (workspace_id, project_id, name, tags, archived_at)
    values (
        tenant, ($2 ->> 'project_id')::uuid, name,
        private.clean_words(array(select json_array_elements_text($2 -> 'tags')), 'tag', 20), ($2 ->> 'archived_at')::timestamptz
    )
    on conflict on constraint prompts_once do nothing;
    get diagnostics new_prompts = row_count;
    select p.* into brought from public.prompts as p where p.workspace_id = tenant and p.name = $2 ->> 'name';
    insert into public.prompt_versions as v (
        workspace_id, prompt_id, number, told_version, content, content_sha256, message, variables, labels, created_at
    )
    select
        tenant, brought.id, r.number, r.told_version, r.content, sha256(convert_to(r.content, 'UTF8')), coalesce(r.message, ''),
        coalesce(r.variables, '{}'), coalesce(r.labels, '{}'), least(r.created_at, now())
    from json_to_recordset($3) as r (
        number integer, told_version text, content text, message text, variables text[], labels text[], created_at timestamptz
    )
    on conflict do nothing;
    get diagnostics new_versions = row_count;
    if not exists (select from public.prompt_deployments as d where d.prompt_id = brought.id) then
        insert into public.prompt_deployments (workspace_id, prompt_id, environment, version_id, share, from_at, to_at)
        select tenant, brought.id, r.environment, v.id, r.share, r.from_at, r.to_at
        from json_to_recordset($4) as r (environment text, number integer, share numeric, from_at timestamptz, to_at timestamptz)
        inner join public.prompt_versions as v on v.prompt_id = brought.id and r.number = v.number;
        get diagnostics new_deployments = row_count;
    end if;
    if
        exists (
            select
            from public.prompt_deployments as d
            where d.prompt_id = brought.id and d.to_at is null
            group by d.environment
            having sum(d.share) <> 100
        )
    then
        raise exception 'The shares of a deployment in this file do not add up to 100%%.' using errcode = '22023';
    end if;
    return json_build_object('is_new', new_prompts > 0, 'versions', new_versions, 'deployments', new_deployments);
end
$$;
revoke all on function public.bring_prompt(uuid, json, json, json) from public, anon, service_role;
grant execute on function public.bring_prompt(uuid, json, json, json) to authenticated;
