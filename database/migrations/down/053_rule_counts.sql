-- The way back from 053_rule_counts.sql.

drop function if exists public.count_by_rule(uuid);
