-- 059_row_bounds.sql: how many rows a workspace may have of what its people can add without end, through any door. Lists that
-- pages and the nightly run read whole must end somewhere.

-- Refuses rows beyond the bound of a workspace: the arguments are the bound, what the rows are called, and what to do. It looks
-- once the rows are there, since a statement that finds its row and changes it may do so in a full workspace, and once for all
-- rows of a statement. The lock lets two statements at once see each other.
create or replace function private.refuse_too_many()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    bound constant integer := tg_argv[0];
    workspace uuid;
    present bigint;
begin
    for workspace in select distinct a.workspace_id from added as a order by a.workspace_id loop
        perform pg_advisory_xact_lock(hashtextextended('tally.bound.' || tg_table_name || '.' || workspace::text, 0));
        execute format('select count(*) from public.%I as t where t.workspace_id = $1', tg_table_name) into present
        using workspace;
        if present > bound then
            raise exception 'A workspace can have % % at most. %', ltrim(to_char(bound, '999,999')), tg_argv[1], tg_argv[2]
                using errcode = '22023';
        end if;
    end loop;
    return null;
end
$$;
revoke all on function private.refuse_too_many() from public;

create or replace trigger api_credentials_bound
    after insert on public.api_credentials referencing new table as added
    for each statement execute function private.refuse_too_many(
        '50', 'connections', 'Delete one that is no longer needed on the Connections page; its records stay.'
    );
create or replace trigger subscriptions_bound
    after insert on public.subscriptions referencing new table as added
    for each statement execute function private.refuse_too_many(
        '200', 'subscriptions', 'Add further payments as entries, or delete a subscription that was never paid.'
    );
create or replace trigger imports_bound
    after insert on public.imports referencing new table as added
    for each statement execute function private.refuse_too_many(
        '5000', 'sources', 'Delete some on the Sources page, or import several files as one.'
    );
create or replace trigger model_prices_bound
    after insert on public.model_prices referencing new table as added
    for each statement execute function private.refuse_too_many(
        '2000', 'custom prices', 'Delete those that are no longer used on the Prices page.'
    );
create or replace trigger price_multipliers_bound
    after insert on public.price_multipliers referencing new table as added
    for each statement execute function private.refuse_too_many(
        '500', 'multipliers', 'Delete those that are no longer used on the Prices page.'
    );
create or replace trigger model_aliases_bound
    after insert on public.model_aliases referencing new table as added
    for each statement execute function private.refuse_too_many(
        '2000', 'names for models', 'Take some back on the Prices page.'
    );
create or replace trigger billing_accounts_bound
    after insert on public.billing_accounts referencing new table as added
    for each statement execute function private.refuse_too_many(
        '1000', 'named billing accounts', 'Take the name of another one back in Settings.'
    );
create or replace trigger members_bound
    after insert on public.members referencing new table as added
    for each statement execute function private.refuse_too_many(
        '1000', 'members', 'An owner or admin can remove some in Settings.'
    );
create or replace trigger invitations_bound
    after insert on public.invitations referencing new table as added
    for each statement execute function private.refuse_too_many('1000', 'open invitations', 'Cancel some in Settings.');
