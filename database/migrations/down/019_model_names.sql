-- The way back from 019_model_names.sql.

drop function if exists public.model_names();
