-- The way back from 033_changing_rules.sql.

drop function if exists public.rule_suggestions(uuid);
drop function if exists private.name_traits(uuid, text[], boolean);
drop function if exists public.set_rules(uuid, json, json);
drop function if exists public.preview_rules(uuid, json);
drop function if exists private.omit_archived(public.project_rules[]);
drop function if exists private.store_rules(uuid, public.project_rules[]);
drop function if exists private.read_rules(uuid, json);
drop function if exists private.read_rule(uuid, integer, json);
