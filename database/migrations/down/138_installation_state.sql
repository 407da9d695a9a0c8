-- The way back from 138_installation_state.sql.

drop function if exists public.installation_state();
