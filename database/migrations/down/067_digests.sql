-- The way back from 067_digests.sql.

drop function if exists public.digest_facts(date, date, date, date, uuid);
drop function if exists public.digest_events(date, date, uuid);
drop function if exists public.stop_digests(text, text);
drop function if exists private.unsubscribe_token(uuid, text);
drop function if exists private.claim_digest(uuid, uuid, text, date, timestamptz);
drop function if exists private.due_digests(timestamptz);
drop table if exists private.unsubscribing;
drop table if exists private.digests;
