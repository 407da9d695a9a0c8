-- The way back from 086_span_contents.sql.

drop function if exists private.drop_old_contents(uuid, integer);
drop function if exists public.read_content(uuid, text, text);
drop function if exists public.save_contents(json, uuid);
drop function if exists public.set_content_rules(uuid, integer, text[]);
drop table if exists private.span_contents;
drop function if exists private.count_gone_contents();
drop function if exists private.max_contents();
alter table if exists private.span_counts drop column if exists contents;
alter table public.workspaces drop column if exists content_words, drop column if exists content_days;
