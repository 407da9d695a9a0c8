-- 124_making_room.sql: archived prompts give their place to names that are called, in a workspace that has all it can have.

-- Registers names beyond the bound in the place of archived prompts, those first that were archived first: of prompts that
-- records alone made, without a text, a label, a tag or a deployment. Only a name that was called since takes it, so that none
-- drives out another that nobody calls.
create or replace function private.replace_archived_prompts(tenant uuid)
returns integer
language plpgsql
set search_path = ''
set plan_cache_mode = force_custom_plan
as $$
declare
    given constant public.prompts[] := array(
        select p
        from public.prompts as p
        where
            p.workspace_id = tenant and p.archived_at is not null and p.tags = '{}'
            and not exists (
                select from public.prompt_versions as v
                where v.prompt_id = p.id and (v.content_sha256 is not null or v.labels <> '{}')
            )
            and not exists (select from public.prompt_deployments as d where d.prompt_id = p.id)
        order by p.archived_at, p.name
    );
    added integer := 0;
    named text;
begin
    if cardinality(given) = 0 then
        return 0;
    end if;
    for named in
        select t.name
        from private.told_prompts(tenant) as t
        where not exists (select from public.prompts as p where p.workspace_id = tenant and p.name = t.name)
        group by t.name
        order by min(t.first_at), t.name
    loop
        exit when added = cardinality(given);
        continue when not exists (
            select
            from public.cost_records as r
            where
                r.workspace_id = tenant and r.metadata ? 'prompt_name' and r.timestamp > (given[added + 1]).archived_at
                and left(coalesce(btrim(r.metadata ->> 'prompt_name'), ''), 200) = named
        );
        delete from public.prompts as p where p.id = (given[added + 1]).id;
        insert into public.prompts (workspace_id, project_id, name)
        values (tenant, private.project_of_prompt(tenant, named), named);
        added := added + 1;
    end loop;
    return added;
end
$$;
revoke all on function private.replace_archived_prompts(uuid) from public;
