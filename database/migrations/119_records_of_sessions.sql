-- 119_records_of_sessions.sql: records of a session that do not name it themselves.

-- The records that another statement on the same event says to be of a session, as public.agent_session takes them for it.
create or replace function private.records_told_of(tenant uuid, asked text, only_own uuid, hidden uuid[])
returns uuid[]
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_custom_plan -- a kept plan may be from when these months were empty
as $$
declare
    session constant text := left(btrim(asked), 200);
    caller constant uuid := auth.uid();
begin
    if session is null then
        return array[]::uuid[];
    end if;
    return array(
        with told as materialized (
            select distinct s.source_key, case when s.request_id is null then s.timestamp end as line_at
            from public.superseded_records as s
            where
                s.workspace_id = tenant and s.metadata ?| array['session', 'session_id']
                and left(coalesce(nullif(btrim(s.metadata ->> 'session'), ''), nullif(btrim(s.metadata ->> 'session_id'), '')), 200)
                = session
        )

        select r.id
        from told as t
        cross join lateral (
            select c.id, c.metadata
            from public.cost_records as c
            where t.line_at is null and c.workspace_id = tenant and c.source_key = t.source_key and c.request_id is not null
            union all
            select c.id, c.metadata
            from public.cost_records as c
            where c.workspace_id = tenant and c.timestamp = t.line_at and c.source_key = t.source_key and c.request_id is null
        ) as r
        where
            coalesce(nullif(btrim(r.metadata ->> 'session'), ''), nullif(btrim(r.metadata ->> 'session_id'), '')) is null
            and session = (
                select left(min(
                    coalesce(nullif(btrim(s.metadata ->> 'session'), ''), nullif(btrim(s.metadata ->> 'session_id'), ''))
                ), 200)
                from public.superseded_records as s
                inner join public.imports as i on s.import_id = i.id and i.is_enabled
                where
                    s.workspace_id = tenant and s.source_key = t.source_key
                    and case when s.request_id is null then s.timestamp end is not distinct from t.line_at
                    and (s.user_id = caller or only_own is null and (s.project_id = any (hidden)) is not true)
            )
    );
end
$$;
revoke all on function private.records_told_of(uuid, text, uuid, uuid[]) from public;
