-- The way back from 058_naming_models.sql.

drop function if exists public.name_model(uuid, text, text, text);
drop function if exists private.first_day_of_name(uuid, uuid, text);
drop function if exists private.rename_model(uuid, uuid, text, text);
