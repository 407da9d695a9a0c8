-- The way back from 062_alert_events.sql.

drop table if exists public.delivery_attempts;
drop table if exists public.deliveries;
drop table if exists public.alert_events;
