-- The way back from 130_archiving.sql.

drop function if exists private.finish_return(uuid);
drop function if exists private.finish_archive(uuid, text, bigint, text);
drop function if exists private.delete_archived_rows(private.archives, out uuid[], out bigint, out bigint, out text);
drop function if exists private.keep_archived_sums(private.archives);
drop function if exists private.begin_archive(uuid, date, date, text);
drop function if exists private.describe_records(uuid, date, date, out bigint, out bigint, out text);
drop function if exists private.archive_lock(uuid);
