-- The way back from 050_provider_accounts.sql.

drop function if exists private.rejoined_days(jsonb);
drop function if exists private.unchanged_part(uuid, text, date);
drop function if exists private.joins_of(private.day_parts[]);
drop function if exists private.has_overlap(uuid, text[], date);
drop function if exists private.joined_accounts(uuid, text);
drop index if exists private.day_parts_identified_idx;
