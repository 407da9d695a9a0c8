-- The way back from 020_divided_days.sql.

drop materialized view if exists private.divided_days;
