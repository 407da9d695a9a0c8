-- The way back from 098_search_names.sql. The extensions stay: they may have been there before.

drop function if exists private.join_names(uuid);
drop function if exists private.adding_names(text, text);
drop function if exists private.names_in(text);
drop table if exists private.name_changes;
drop table if exists private.search_names;
drop function if exists private.fold_text(text);
