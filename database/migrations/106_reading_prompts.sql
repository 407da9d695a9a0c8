-- 106_reading_prompts.sql: prompts as pages, commands and programs read them.

-- The prompts that the caller may see, by name: those whose name, tags or messages contain a text, archived ones or the others.
-- `live` is what runs, [{environment, number, share, since}], `since` being the version's first deployment there.
create or replace function public.list_prompts(
    workspace uuid default null, search text default null, archived boolean default false
)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    wanted constant text := nullif(lower(btrim(left($2, 200))), '');
    hidden constant uuid[] := array(select private.hidden_projects());
begin
    return (
        with versions as (
            select
                v.prompt_id, count(*) as versions, max(v.number) as newest, count(v.content_sha256) as texts,
                bool_or(strpos(lower(v.message), wanted) > 0) as is_found
            from public.prompt_versions as v
            where v.workspace_id = tenant
            group by v.prompt_id
        ),

        live as (
            select
                d.prompt_id,
                json_agg(
                    json_build_object('environment', d.environment, 'number', v.number, 'share', d.share, 'since', s.since)
                    order by d.environment = 'production' desc, d.environment, d.share desc, v.number desc
                ) as live
            from public.prompt_deployments as d
            inner join public.prompt_versions as v on d.version_id = v.id
            cross join lateral (
                select min(o.from_at) as since
                from public.prompt_deployments as o
                where o.prompt_id = d.prompt_id and o.environment = d.environment and o.version_id = d.version_id
            ) as s
            where d.workspace_id = tenant and d.to_at is null
            group by d.prompt_id
        )

        select
            coalesce(
                json_agg(
                    json_build_object(
                        'name', p.name, 'project_id', p.project_id, 'tags', p.tags, 'archived_at', p.archived_at,
                        'versions', coalesce(v.versions, 0), 'newest', v.newest, 'texts', coalesce(v.texts, 0),
                        'live', coalesce(l.live, '[]')
                    )
                    order by lower(p.name), p.name
                ), '[]'
            )
        from public.prompts as p
        left join versions as v on p.id = v.prompt_id
        left join live as l on p.id = l.prompt_id
        where
            p.workspace_id = tenant
            and (p.project_id is null or p.project_id <> all (hidden))
            and (p.archived_at is not null) = coalesce($3, false)
            and (
                wanted is null or v.is_found or strpos(lower(p.name), wanted) > 0
                or strpos(lower(array_to_string(p.tags, ' ')), wanted) > 0
            )
    );
end
$$;
revoke all on function public.list_prompts(uuid, text, boolean) from public, anon, service_role;
grant execute on function public.list_prompts(uuid, text, boolean) to authenticated;

-- A prompt with its versions, newest first, what runs of it, and its latest 500 deployments.
create or replace function public.read_prompt(workspace uuid, prompt text)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    asked constant public.prompts := private.require_prompt(tenant, $2);
begin
    return json_build_object(
        'name', asked.name, 'project_id', asked.project_id, 'tags', asked.tags, 'archived_at', asked.archived_at,
        'live', private.describe_live(asked.id),
        'versions', (
            select
                coalesce(
                    json_agg(
                        json_build_object(
                            'number', v.number, 'told_version', v.told_version, 'message', v.message, 'author_id', v.author_id,
                            'labels', v.labels, 'variables', v.variables, 'created_at', v.created_at,
                            'sha256', encode(v.content_sha256, 'hex')
                        )
                        order by v.number desc
                    ), '[]'
                )
            from public.prompt_versions as v
            where v.prompt_id = asked.id
        ),
        'deployments', (
            select coalesce(json_agg(l order by l.from_at desc, l.environment, l.number), '[]')
            from (
                select d.environment, v.number, d.share, d.from_at, d.to_at, d.deployed_by
                from public.prompt_deployments as d
                inner join public.prompt_versions as v on d.version_id = v.id
                where d.prompt_id = asked.id
                order by d.from_at desc, d.environment, v.number
                limit 500
            ) as l
        )
    );
end
$$;
revoke all on function public.read_prompt(uuid, text) from public, anon, service_role;
grant execute on function public.read_prompt(uuid, text) to authenticated;

-- The text of a version: {number, content, sha256, variables, message}; `content` is null for one that only records name.
create or replace function public.prompt_text(workspace uuid, prompt text, number integer)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    version constant uuid := private.require_prompt_version(private.require_prompt(tenant, $2), $3);
begin
    return (
        select
            json_build_object(
                'number', v.number, 'content', v.content, 'sha256', encode(v.content_sha256, 'hex'), 'variables', v.variables,
                'message', v.message
            )
        from public.prompt_versions as v
        where v.id = version
    );
end
$$;
revoke all on function public.prompt_text(uuid, text, integer) from public, anon, service_role;
grant execute on function public.prompt_text(uuid, text, integer) to authenticated;

-- The versions that a program may be given for a label: those that an environment of this name runs, by share; else the one that
-- has the label; for `latest` the newest with a text: {id, name, project_id, slots, versions: [{number, sha256}]}. `slots` are
-- those of each version of an environment, [[from, to], …] of 0 to 10,000 by number, and null for a label.
create or replace function public.find_prompt(workspace uuid, prompt text, label text)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    asked constant public.prompts := private.require_prompt(tenant, $2);
    slots constant jsonb := (
        select
            jsonb_object_agg(
                l.number::text, (select jsonb_agg(jsonb_build_array(lower(r.slot), upper(r.slot))) from unnest(l.slots) as r (slot))
            )
        from private.live_slots(asked.id, $3) as l
    );
begin
    return json_build_object(
        'id', asked.id, 'name', asked.name, 'project_id', asked.project_id, 'slots', slots,
        'versions', (
            select coalesce(json_agg(f), '[]')
            from (
                select v.number, encode(v.content_sha256, 'hex') as sha256
                from public.prompt_versions as v
                where
                    v.prompt_id = asked.id
                    and case
                        when slots is not null then slots ? v.number::text
                        when $3 = 'latest' then v.content_sha256 is not null
                        else $3 = any (v.labels)
                    end
                order by v.number desc
                limit case when slots is null then 1 end
            ) as f
        )
    );
end
$$;
revoke all on function public.find_prompt(uuid, text, text) from public, anon, service_role;
grant execute on function public.find_prompt(uuid, text, text) to authenticated;
