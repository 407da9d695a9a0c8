-- The way back from 137_installation_state.sql.

drop function if exists public.installation_state();
