-- The way back from 001_schemas.sql. The extensions stay: they may have been there before.

drop function if exists private.id_start();
drop function if exists private.require_caller();
drop function if exists private.clean_name(text, text);
drop function if exists private.trim_text(text);
drop function if exists private.check_timezone();
drop function if exists private.touch_updated_at();
drop schema if exists private;
