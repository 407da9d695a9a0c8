-- The way back from 051_returning_months.sql.

drop function if exists private.catch_up_month(timestamptz);
drop function if exists private.catch_up(uuid, timestamptz, timestamptz);
drop function if exists private.supersede_repeated(uuid, timestamptz, timestamptz);
drop function if exists private.recount_parts(uuid, timestamptz, timestamptz);
