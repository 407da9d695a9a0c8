-- 045_audited_changes.sql: which changes the audit log contains, and reading it.

-- Settings of workspaces and of accounts. Creating a workspace is logged by its function, the making of personal ones not.
select private.audit_changes_of(
    'public.workspaces',
    array[
        'name', 'timezone', 'currency', 'person_split', 'alert_rules', 'trace_days', 'content_days', 'content_words',
        'archive_days', 'model_limits'
    ],
    array['update']
);
select private.audit_changes_of('public.user_preferences', array['currency'], array['update']);

-- Money.
select private.audit_changes_of(
    'public.model_prices',
    array[
        'user_id', 'provider_id', 'model_name', 'valid_from', 'input_usd_per_mtok', 'output_usd_per_mtok',
        'cached_input_usd_per_mtok', 'cache_write_usd_per_mtok', 'cache_write_1h_usd_per_mtok', 'request_usd', 'replaces_list'
    ]
);
select private.audit_changes_of(
    'public.price_multipliers',
    array['user_id', 'provider_id', 'billing_account', 'multiplier', 'valid_from', 'valid_to', 'note']
);
select private.audit_changes_of('public.model_aliases', array['provider_id', 'name', 'model_name']);
select private.audit_changes_of(
    'public.subscriptions',
    array['user_id', 'provider_id', 'plan_name', 'amount_usd', 'started_on', 'ended_on', 'renewal_day', 'interval']
);
select private.audit_changes_of(
    'public.imports', array['user_id', 'kind', 'filename', 'format', 'is_enabled', 'metadata.paid_by']
);
-- Projects, who sees them, and what files records under them.
select private.audit_changes_of('public.projects', array['name', 'is_private', 'archived_at']);
select private.audit_changes_of('public.project_members', array['project_id', 'user_id'], array['insert', 'delete']);
select private.audit_changes_of('public.project_rules', array['position', 'field', 'match', 'value', 'project_id']);
select private.audit_changes_of('public.person_aliases', array['value', 'user_id']);
select private.audit_changes_of('public.billing_accounts', array['account', 'name']);
-- Edits by hand: functions, which act as their owner, log what they do themselves.
select private.audit_changes_of(
    'public.cost_records',
    array[
        'user_id', 'project_id', 'provider_id', 'import_id', 'timestamp', 'day', 'model_name', 'billing_account', 'cost_usd',
        'tokens_used', 'request_count', 'cost_basis', 'charge_type'
    ],
    array['update', 'delete'],
    'current_user in (''authenticated'', ''service_role'')'
);

-- Rights: who joined, left or was removed, and roles. Nobody joins or leaves a personal workspace.
create or replace function private.audit_member()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    entry jsonb := private.describe_change('members', to_jsonb(old), to_jsonb(new), array['role']);
begin
    if tg_op = 'INSERT' then
        entry := entry || '{"action": "join"}';
    elsif tg_op = 'DELETE' then
        entry := entry || jsonb_build_object('action', case when old.user_id = auth.uid() then 'leave' else 'remove' end);
    end if;
    perform private.write_audit(coalesce(new.workspace_id, old.workspace_id), entry);
    return null;
end
$$;
revoke all on function private.audit_member() from public;

create or replace trigger members_audit_joined
    after insert on public.members
    for each row when (new.workspace_id <> new.user_id) execute function private.audit_member();
create or replace trigger members_audit_changed
    after update or delete on public.members
    for each row when (old.workspace_id <> old.user_id) execute function private.audit_member();

-- Keys. Syncing changes its own state all the time; only changes that a user would ask about are logged.
create or replace function private.audit_credential()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    old_values constant jsonb := to_jsonb(old);
    new_values constant jsonb := to_jsonb(new);
    row_values constant jsonb := coalesce(new_values, old_values);
    entry constant jsonb := private.describe_change(
        'api_credentials', old_values, new_values,
        array[
            'user_id', 'provider_id', 'credential_name', 'encrypted_api_key', 'encryption_key_id', 'is_active', 'validation_status'
        ],
        array['encrypted_api_key']
    );
begin
    -- The first check of a key belongs to adding it.
    if
        entry -> 'changed_columns' = '["validation_status"]'
        and old.validation_status = 'pending'
        and old.last_validated_at is null
        and new.validation_status = 'valid'
    then
        return null;
    end if;
    perform private.write_audit(
        (row_values ->> 'workspace_id')::uuid,
        entry || jsonb_build_object(
            'metadata', jsonb_build_object(
                'credential_name', row_values -> 'credential_name',
                'provider', (select p.name from public.providers as p where p.id = (row_values ->> 'provider_id')::uuid),
                'is_active', row_values -> 'is_active',
                'validation_status', row_values -> 'validation_status'
            )
        )
    );
    return null;
end
$$;
revoke all on function private.audit_credential() from public;

create or replace trigger api_credentials_audit
    after insert or update or delete on public.api_credentials
    for each row execute function private.audit_credential();

-- True if an entry contains a text, in lower case, in an e-mail address, its action, table or values.
create or replace function private.entry_contains(entry public.audit_logs, actor_email text, user_email text, wanted text)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
    return strpos(
        lower(concat_ws(
            ' ', actor_email, user_email, entry.action, entry.table_name, entry.changed_columns::text, entry.before::text,
            entry.after::text, entry.metadata::text, entry.address, entry.user_agent
        )),
        wanted
    ) > 0;
end
$$;
revoke all on function private.entry_contains(public.audit_logs, text, text, text) from public;

-- A page of a workspace's log, newest first: entries before an instant that contain a text. Entries of the last instant are
-- never divided between pages.
create or replace function public.search_audit_log(
    workspace uuid, search text, before timestamptz, at_most integer
)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    wanted constant text := nullif(lower(trim($2)), '');
begin
    return (
        select coalesce(json_agg(e order by e.created_at desc, e.id), '[]')
        from (
            select
                a.id, a.created_at, a.actor, a.actor_id, c.email as actor_email, a.action, a.table_name, a.row_id, a.user_id,
                o.email as user_email, a.changed_columns, a.before, a.after, a.metadata, a.address, a.user_agent
            from public.audit_logs as a
            left join auth.users as c on a.actor_id = c.id
            left join auth.users as o on a.user_id = o.id
            where
                a.workspace_id = tenant
                and a.created_at < coalesce($3, 'infinity')
                and (wanted is null or private.entry_contains(a, c.email, o.email, wanted))
            order by a.created_at desc
            fetch first greatest(least(coalesce($4, 100), 1000), 1) rows with ties
        ) as e
    );
end
$$;
revoke all on function public.search_audit_log(uuid, text, timestamptz, integer) from public, anon, service_role;
grant execute on function public.search_audit_log(uuid, text, timestamptz, integer) to authenticated;

-- The number of entries that contain a text, or of all.
create or replace function public.count_audit_log(workspace uuid, search text)
returns bigint
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    wanted constant text := nullif(lower(trim($2)), '');
begin
    return (
        select count(*)
        from public.audit_logs as a
        left join auth.users as c on a.actor_id = c.id
        left join auth.users as o on a.user_id = o.id
        where a.workspace_id = tenant and (wanted is null or private.entry_contains(a, c.email, o.email, wanted))
    );
end
$$;
revoke all on function public.count_audit_log(uuid, text) from public, anon, service_role;
grant execute on function public.count_audit_log(uuid, text) to authenticated;
