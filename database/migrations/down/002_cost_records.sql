-- The way back from 002_cost_records.sql. It takes every record along; months that were archived and not yet dropped stop it.

do $$
declare
    archived text;
begin
    if to_regclass('private.archived_months') is not null then
        for archived in
            select to_regclass('private.cost_records_' || to_char(a.month, 'YYYY_MM'))::text
            from private.archived_months as a
        loop
            if archived is not null then
                raise exception 'The archived month % still holds records. Export and drop it first.', archived;
            end if;
        end loop;
    end if;
end
$$;

drop trigger if exists imports_delete_records on public.imports;
drop function if exists public.ensure_months(date[]);
drop function if exists public.ensure_partitions(integer);
drop function if exists public.create_monthly_partition(integer, integer);
drop function if exists private.create_month(date);
drop table if exists private.archived_months;
drop table if exists public.cost_records;
drop function if exists private.keep_used_providers() cascade;
drop function if exists private.delete_records_of_imports();
-- With its trigger on auth.users, which only the owner of that table may drop by name.
drop function if exists private.delete_records_of_user() cascade;
drop function if exists private.check_references();
