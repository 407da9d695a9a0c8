-- 121_replaying.sql: past calls in the order of their times, to be priced as they would have been otherwise.

-- A page of the calls that the caller may read, whose tokens count, in [since, until): those of bills, too. Of the metadata,
-- what a price or a conversation needs. Read on with the time and the id of the last one.
create or replace function public.list_calls(
    since timestamptz, until timestamptz, after_id uuid, page_size integer, workspace uuid default null
)
returns json
language plpgsql
stable
security definer
set search_path = ''
set plan_cache_mode = force_custom_plan -- a kept plan may be from when these months were empty
set enable_sort = off -- in the order of the index: each page would sort all that follows, where statistics are older than records
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    only_user constant uuid := private.only_own_rows(tenant);
    hidden constant uuid[] := array(select private.hidden_projects());
begin
    return (
        select coalesce(json_agg(e), '[]')
        from (
            select
                r.id, r.timestamp, r.day, p.name as provider, r.project_id, r.model_name, r.billing_account, r.cost_basis,
                r.cost_usd::text as cost_usd, r.input_tokens, r.output_tokens, r.cached_input_tokens, r.cache_write_tokens,
                r.request_count,
                jsonb_strip_nulls(jsonb_build_object(
                    'session', r.metadata -> 'session', 'session_id', r.metadata -> 'session_id', 'agent', r.metadata -> 'agent',
                    'model', r.metadata -> 'model', 'model_alias', r.metadata -> 'model_alias',
                    'price_tier', r.metadata -> 'price_tier', 'price_context', r.metadata -> 'price_context',
                    'price_source', r.metadata -> 'price_source', 'price_version', r.metadata -> 'price_version',
                    'price_model', r.metadata -> 'price_model', 'price_note', r.metadata -> 'price_note',
                    'price_list_usd', r.metadata -> 'price_list_usd', 'web_searches', r.metadata -> 'web_searches',
                    'cache_write_1h_tokens', r.metadata -> 'cache_write_1h_tokens',
                    'input_audio_tokens', r.metadata -> 'input_audio_tokens',
                    'cached_audio_tokens', r.metadata -> 'cached_audio_tokens',
                    'output_audio_tokens', r.metadata -> 'output_audio_tokens'
                )) as metadata
            from public.cost_records as r
            inner join public.providers as p on r.provider_id = p.id
            where
                r.workspace_id = tenant
                and r.timestamp >= since
                and r.timestamp < until
                and r.charge_type = 'usage'
                and r.tokens_are_effective
                and (r.tokens_used > 0 or r.cost_usd is null)
                and (only_user is null or r.user_id = only_user)
                and (r.project_id is null or r.project_id <> all (hidden) or r.user_id = auth.uid())
                and (list_calls.after_id is null or (r.timestamp, r.id) > (since, list_calls.after_id))
            order by r.timestamp, r.id
            limit greatest(least(page_size, 5000), 0)
        ) as e
    );
end
$$;
revoke all on function public.list_calls(timestamptz, timestamptz, uuid, integer, uuid) from public, anon, service_role;
grant execute on function public.list_calls(timestamptz, timestamptz, uuid, integer, uuid) to authenticated;
