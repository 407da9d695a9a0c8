-- The way back from 036_audited_changes.sql.

drop function if exists public.search_audit_log(uuid, text, timestamptz, integer);
drop trigger if exists api_credentials_audit on public.api_credentials;
drop function if exists private.audit_credential();
drop trigger if exists members_audit_changed on public.members;
drop trigger if exists members_audit_joined on public.members;
drop function if exists private.audit_member();
drop trigger if exists cost_records_audit_delete on public.cost_records;
drop trigger if exists cost_records_audit_update on public.cost_records;
drop trigger if exists imports_audit_delete on public.imports;
drop trigger if exists imports_audit_update on public.imports;
drop trigger if exists imports_audit_insert on public.imports;
drop trigger if exists subscriptions_audit_delete on public.subscriptions;
drop trigger if exists subscriptions_audit_update on public.subscriptions;
drop trigger if exists subscriptions_audit_insert on public.subscriptions;
drop trigger if exists model_prices_audit_delete on public.model_prices;
drop trigger if exists model_prices_audit_update on public.model_prices;
drop trigger if exists model_prices_audit_insert on public.model_prices;
drop trigger if exists user_preferences_audit_update on public.user_preferences;
drop trigger if exists workspaces_audit_update on public.workspaces;
