-- The way back from 048_invitations.sql.

drop function if exists public.accept_invitation(text);
drop function if exists private.joined_by(text);
drop function if exists public.describe_invitation(text);
drop function if exists private.require_invitation(text);
drop function if exists private.hash_token(text);
drop function if exists public.cancel_invitation(uuid);
drop function if exists public.invite(uuid, text, text);
drop function if exists private.audit_invitation(text, public.invitations);
drop function if exists private.check_invitation(uuid, text, text);
drop function if exists private.count_invitation(uuid, text);
drop table if exists private.sent_invitations;
drop table if exists public.invitations;
