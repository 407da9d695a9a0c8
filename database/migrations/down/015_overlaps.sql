-- The way back from 015_overlaps.sql.

drop function if exists private.resolve_overlaps(private.day_parts[]);
drop function if exists private.flag_records(uuid, text[], private.day_parts[]);
drop function if exists private.decide_parts(uuid, text[], text[], date[]);
drop function if exists private.judge_parts(uuid, text[], text[], date[]);
drop function if exists private.add_to_day_parts(private.day_parts[]);
drop function if exists private.authorities();
drop table if exists private.day_parts;
