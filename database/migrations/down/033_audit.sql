-- The way back from 033_audit.sql.

drop trigger if exists api_credentials_audit on public.api_credentials;
drop function if exists private.audit_credential();
drop function if exists private.write_audit(uuid, uuid, text, text, uuid, text[], jsonb);
drop function if exists private.current_actor();
drop table if exists public.audit_logs;
