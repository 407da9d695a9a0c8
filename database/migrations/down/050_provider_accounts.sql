-- The way back from 050_provider_accounts.sql.

drop function if exists private.regrouped_days(jsonb, private.day_parts[]);
drop function if exists private.unchanged_part(uuid, text, date);
drop function if exists private.groups_of(private.day_parts[]);
drop function if exists private.days_to_decide(private.day_parts[]);
drop function if exists private.has_overlap(uuid, text[], date);
drop function if exists private.grouped_days(private.day_parts[]);
drop function if exists private.group_accounts(uuid, text, date);
drop type if exists private.account_group;
drop index if exists private.day_parts_identified_idx;
