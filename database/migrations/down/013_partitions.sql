-- The way back from 013_partitions.sql. Attached months go with the table; archived ones are the operator's.

drop function if exists private.has_months(timestamptz, timestamptz);
drop function if exists public.ensure_months(date[]);
drop function if exists public.ensure_partitions(integer);
drop function if exists public.create_monthly_partition(integer, integer);
drop function if exists private.create_month(date);
drop function if exists private.drop_empty_partitions();
drop function if exists private.create_piece(text, date);
drop function if exists private.attach_piece(text, date);
drop table if exists private.partitioned;
do $$
declare
    month regclass;
begin
    for month in
        select i.inhrelid::regclass
        from pg_catalog.pg_inherits as i
        where i.inhparent = 'public.cost_records'::regclass
    loop
        execute format('drop table %s', month);
    end loop;
end
$$;
drop function if exists private.archived_tables();
drop table if exists private.archived_months;
