-- 060_record_counts.sql: how many statements a workspace has, and where that ends: one account must not fill the disk of all.

-- private.record_counts: the records and superseded records of a workspace are the sum of its rows. Each statement adds one, so
-- that no save waits for another one; now and then many become one. Archived months are counted until the next recount.
create table if not exists private.record_counts (
    workspace_id uuid not null,
    statements bigint not null
);
create index if not exists record_counts_workspace_id_idx on private.record_counts (workspace_id) include (statements);
alter table private.record_counts enable row level security;
revoke all on private.record_counts from public, anon, authenticated, service_role;

create or replace function private.max_statements()
returns bigint
language sql
immutable
set search_path = ''
as $$
    select 20000000::bigint
$$;
revoke all on function private.max_statements() from public;

-- Makes the rows of a workspace one, without those that another transaction is changing.
create or replace function private.join_counts(tenant uuid)
returns void
language sql
set search_path = ''
as $$
    with joined as (
        delete from private.record_counts as c
        where c.ctid = any (
            array(select o.ctid from private.record_counts as o where o.workspace_id = tenant for update skip locked)
        )
        returning c.statements
    )

    insert into private.record_counts (workspace_id, statements)
    select tenant, coalesce(sum(j.statements), 0) from joined as j
$$;
revoke all on function private.join_counts(uuid) from public;

-- Counts a workspace's statements one by one: where the bound seems to be reached, since months may have gone.
create or replace function private.recount_statements(tenant uuid)
returns bigint
language sql
set search_path = ''
as $$
    with forgotten as (
        delete from private.record_counts as c
        where c.workspace_id = tenant
    )

    insert into private.record_counts (workspace_id, statements)
    values (
        tenant,
        (select count(*) from public.cost_records as r where r.workspace_id = tenant)
        + (select count(*) from public.superseded_records as s where s.workspace_id = tenant)
    )
    returning statements
$$;
revoke all on function private.recount_statements(uuid) from public;

-- Refuses what made a workspace larger than it may be.
create or replace function private.check_statement_count(tenant uuid)
returns void
language plpgsql
set search_path = ''
as $$
begin
    if
        (select sum(c.statements) from private.record_counts as c where c.workspace_id = tenant) > private.max_statements()
        and private.recount_statements(tenant) > private.max_statements()
    then
        raise exception 'A workspace can hold % records at most. Delete sources that are no longer needed on the Sources page.',
            ltrim(to_char(private.max_statements(), '999,999,999')) using errcode = '22023';
    end if;
end
$$;
revoke all on function private.check_statement_count(uuid) from public;

-- Records beyond the bound are refused here. Superseded records are not: as others become records, records become superseded
-- before those leave. Where new ones are saved, private.check_statement_count follows.
create or replace function private.count_statements()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant uuid;
begin
    for tenant in
        insert into private.record_counts (workspace_id, statements)
        select c.workspace_id, case tg_op when 'DELETE' then -count(*) else count(*) end
        from changed as c
        where tg_op = 'INSERT' or exists (select from public.workspaces as w where w.id = c.workspace_id)
        group by c.workspace_id
        returning workspace_id
    loop
        if (select count(*) from private.record_counts as c where c.workspace_id = tenant) > 500 then
            perform private.join_counts(tenant);
        end if;
        if tg_op = 'INSERT' and tg_table_name = 'cost_records' then
            perform private.check_statement_count(tenant);
        end if;
    end loop;
    return null;
end
$$;
revoke all on function private.count_statements() from public;

create or replace function private.forget_counts()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    delete from private.record_counts as c where c.workspace_id = old.id;
    return null;
end
$$;
revoke all on function private.forget_counts() from public;

create or replace trigger workspaces_forget_counts
    after delete on public.workspaces
    for each row execute function private.forget_counts();
create or replace trigger cost_records_total_inserted
    after insert on public.cost_records
    referencing new table as changed
    for each statement execute function private.count_statements();
create or replace trigger cost_records_total_deleted
    after delete on public.cost_records
    referencing old table as changed
    for each statement execute function private.count_statements();
create or replace trigger superseded_records_total_inserted
    after insert on public.superseded_records
    referencing new table as changed
    for each statement execute function private.count_statements();
create or replace trigger superseded_records_total_deleted
    after delete on public.superseded_records
    referencing old table as changed
    for each statement execute function private.count_statements();

-- What is there already is counted once.
insert into private.record_counts (workspace_id, statements)
select
    s.workspace_id,
    count(*) as statements
from (
    select r.workspace_id from public.cost_records as r
    union all
    select k.workspace_id from public.superseded_records as k
) as s
where not exists (select from private.record_counts)
group by s.workspace_id;
