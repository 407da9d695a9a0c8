-- 123_sample_prompts.sql: removing the prompts of the sample data. Other prompts are archived, never deleted.

-- Deletes a prompt that carries the tag `sample`, that no record names any more and nobody gave a text; true if it was there.
-- Open advice goes with it: it is found again, every night, in what stays.
create or replace function public.remove_sample_prompt(workspace uuid, prompt text)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    is_removed boolean;
begin
    perform pg_advisory_xact_lock(hashtextextended('tally.prompts.' || tenant::text, 0));
    delete from public.prompts as p
    where
        p.workspace_id = tenant and p.name = $2 and 'sample' = any(p.tags)
        and not exists (select from public.prompt_versions as v where v.prompt_id = p.id and v.author_id is not null)
        and not exists (select from private.told_prompts(tenant) as t where t.name = p.name);
    is_removed := found;
    delete from public.advice as a where a.workspace_id = tenant and a.status = 'open';
    return is_removed;
end
$$;
revoke all on function public.remove_sample_prompt(uuid, text) from public, anon, service_role;
grant execute on function public.remove_sample_prompt(uuid, text) to authenticated;
