-- The way back from 124_making_room.sql.

drop function if exists private.replace_archived_prompts(uuid);
