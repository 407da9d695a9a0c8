-- The way back from 098_jump_names.sql.

drop function if exists public.jump_names(uuid);
