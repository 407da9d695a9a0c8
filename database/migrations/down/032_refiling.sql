-- The way back from 032_refiling.sql.

drop function if exists private.wait_to_file(uuid);
drop function if exists private.audit_moves(uuid, json, text);
drop function if exists private.describe_moves(uuid, private.filing_move[], text);
drop function if exists private.refile_source(uuid, uuid);
drop function if exists private.move_to_projects(uuid, private.filing_move[], text[], uuid);
drop function if exists private.plan_rules(uuid, public.project_rules[], uuid);
drop function if exists private.described_statements(uuid, text[], uuid, uuid[]);
drop type if exists private.filing_move;
