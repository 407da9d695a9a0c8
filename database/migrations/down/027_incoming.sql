-- The way back from 027_incoming.sql.

drop function if exists private.find_known(uuid, private.incoming_record[], timestamptz, timestamptz, boolean);
drop function if exists private.merge_lines(private.incoming_record[]);
drop function if exists private.merge_requests(private.incoming_record[]);
drop function if exists private.check_incoming(uuid, private.incoming_record[]);
drop function if exists private.read_incoming(json, text);
drop function if exists private.read_columns(json);
drop type if exists private.incoming_columns;
drop type if exists private.incoming_record;
