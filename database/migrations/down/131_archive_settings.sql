-- The way back from 131_archive_settings.sql.

drop function if exists public.archive_state(uuid);
drop function if exists public.archived_stretches(uuid);
drop function if exists public.set_archive_days(uuid, integer);
drop function if exists private.stretches_to_archive(uuid, timestamptz);
drop function if exists private.log_expired(uuid, text, bigint);
drop function if exists private.log_archive(private.archives, text);
