-- 111_invoice_charges.sql: what invoices and card statements bring into the ledger: taxes, discounts and plans, never usage. Of
-- several papers on one charge the first counts: bill, invoice, statement, typed subscription.

-- Links lines of statements to the invoices that they paid: of one provider, within four days, of one amount, or within 5% of it
-- in another currency; then, where an invoice does not tell when it was paid, within two weeks of one amount. Each invoice has
-- one line.
create or replace function private.pair_statements(tenant uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
    line record;
    paid uuid;
    taken uuid[] := array[]::uuid[];
begin
    update public.statement_lines as l
    set invoice_id = null
    from public.invoices as i
    where l.workspace_id = tenant and l.invoice_id = i.id and i.decision = 'ignored';
    for line in
        select l.*, w.days
        from public.statement_lines as l
        cross join (values (4), (14)) as w (days)
        where l.workspace_id = tenant and l.invoice_id is null and not l.is_ignored
        order by w.days, l.posted_on, l.identity
    loop
        continue when line.id = any (taken);
        select i.id into paid
        from public.invoices as i
        where
            i.workspace_id = tenant
            and i.provider_id = line.provider_id
            and i.decision is distinct from 'ignored'
            and abs(coalesce(i.paid_on, i.issued_on) - line.posted_on) <= line.days
            and (line.days = 4 or i.paid_on is null and i.currency = line.currency)
            and case
                when i.currency = line.currency then i.total + i.applied_balance = line.amount
                else
                    abs((i.total + i.applied_balance) * i.usd_rate - line.amount * line.usd_rate)
                    <= 0.05 * abs(line.amount * line.usd_rate)
            end
            and not exists (select from public.statement_lines as o where o.workspace_id = tenant and o.invoice_id = i.id)
        order by abs(coalesce(i.paid_on, i.issued_on) - line.posted_on), i.issued_on, i.id
        limit 1;
        if found then
            update public.statement_lines as l set invoice_id = paid where l.id = line.id;
            taken := taken || line.id;
        end if;
    end loop;
end
$$;
revoke all on function private.pair_statements(uuid) from public;

-- Few records are no usage: without this index, each charge of a paper reads all records of its days.
create index if not exists cost_records_charges_idx
    on public.cost_records (workspace_id, provider_id, timestamp)
    where charge_type <> 'usage';

-- Is a charge, which is no usage, in a bill that a file or a connection brought?
create or replace function private.is_billed(tenant uuid, provider uuid, charge text, first_day date, last_day date)
returns boolean
language sql
stable
set search_path = ''
as $$
    select exists (
        select
        from public.cost_records as r
        where
            r.workspace_id = tenant
            and r.provider_id = provider
            and r.timestamp >= (first_day - 1)::timestamp at time zone 'UTC'
            and r.timestamp < (last_day + 2)::timestamp at time zone 'UTC'
            and r.import_id is not null
            and r.cost_basis = 'billed'
            and r.charge_type <> 'usage'
            and r.charge_type = charge
            and r.money_is_effective
    )
$$;
revoke all on function private.is_billed(uuid, uuid, text, date, date) from public;

-- The charges that a workspace's invoices and statements bring. Their identity is that of the paper, in any workspace.
create or replace function private.wanted_charges(tenant uuid)
returns setof private.invoice_charges
language sql
stable
set search_path = ''
as $$
    with parts as (
        select
            c.part,
            i.provider_id,
            i.created_by,
            c.charge_type,
            c.amount * i.usd_rate as amount_usd,
            case i.kind when 'usage' then least(i.period_end, i.issued_on) else i.issued_on end as day,
            case i.kind when 'usage' then i.period_start else i.issued_on - 4 end as first_day,
            case i.kind when 'usage' then i.period_end else i.issued_on + 4 end as last_day,
            case c.part when 'plan' then coalesce(i.plan_name, 'Plan') else '(unspecified)' end as model_name,
            concat_ws(chr(31), 'invoice', lower(i.seller), lower(i.number), c.part) as identity,
            format('Invoice %s of %s', i.number, i.seller) as note
        from public.invoices as i
        cross join lateral (
            values
            ('tax', 'tax', i.tax),
            ('plan', 'subscription', case i.kind when 'subscription' then i.subtotal + i.discount end),
            ('discount', 'credit', case i.kind when 'usage' then i.discount end)
        ) as c (part, charge_type, amount)
        where i.workspace_id = tenant and i.usd_rate is not null and i.decision is distinct from 'ignored' and c.amount <> 0
        union all
        select
            'plan', l.provider_id, l.created_by, 'subscription', l.amount * l.usd_rate, l.posted_on, l.posted_on - 4,
            l.posted_on + 4, l.product, concat_ws(chr(31), 'statement', l.identity), 'Card statement'
        from public.statement_lines as l
        where
            l.workspace_id = tenant and l.kind = 'plan' and l.invoice_id is null and not l.is_ignored
            and l.usd_rate is not null and l.amount <> 0
    )

    select
        tenant, md5(p.identity)::uuid, p.provider_id,
        coalesce(
            p.created_by,
            (select m.user_id from public.members as m where m.workspace_id = tenant and m.role = 'owner' order by m.user_id limit 1)
        ),
        p.day, case when p.amount_usd < 0 then 'credit' else p.charge_type end, p.model_name, round(p.amount_usd, 10),
        not private.is_billed(tenant, p.provider_id, p.charge_type, p.first_day, p.last_day)
        and not private.is_archived(tenant, p.day),
        p.note
    from parts as p
$$;
revoke all on function private.wanted_charges(uuid) from public;

-- Makes the records of these charges what they should be; those of before are in private.invoice_charges.
create or replace function private.write_charges(tenant uuid, wanted private.invoice_charges[], zone text)
returns void
language plpgsql
set search_path = ''
as $$
begin
    delete from public.cost_records as r
    using private.invoice_charges as c
    where
        c.workspace_id = tenant
        and r.workspace_id = tenant
        and r.source_key = c.source_key
        and r.timestamp >= (c.day - 1)::timestamp at time zone 'UTC'
        and r.timestamp < (c.day + 2)::timestamp at time zone 'UTC'
        and not exists (
            select
            from unnest(wanted) as w
            where
                w.is_posted
                and (w.source_key, w.day, w.provider_id, w.charge_type, w.model_name, w.amount_usd)
                = (c.source_key, r.day, r.provider_id, r.charge_type, r.model_name, r.cost_usd)
        );
    insert into public.cost_records (
        workspace_id, user_id, project_id, provider_id, timestamp, day, model_name, cost_usd, collection_method, cost_basis,
        charge_type, source_key, metadata
    )
    select
        tenant, w.user_id,
        private.project_of_plan(
            jsonb_populate_record(
                null::public.subscriptions, jsonb_build_object('workspace_id', tenant, 'plan_name', w.model_name)
            )
        ),
        w.provider_id, private.day_instant(w.day, zone), w.day, w.model_name, w.amount_usd, 'manual_entry', 'billed', w.charge_type,
        w.source_key, jsonb_build_object('note', w.note)
    from unnest(wanted) as w
    where
        w.is_posted
        and not exists (
            select
            from public.cost_records as r
            where
                r.workspace_id = tenant
                and r.timestamp >= (w.day - 1)::timestamp at time zone 'UTC'
                and r.timestamp < (w.day + 2)::timestamp at time zone 'UTC'
                and r.source_key = w.source_key
        );
    delete from private.invoice_charges as c where c.workspace_id = tenant;
    insert into private.invoice_charges select w.* from unnest(wanted) as w;
end
$$;
revoke all on function private.write_charges(uuid, private.invoice_charges[], text) from public;

-- Brings the ledger into line with a workspace's invoices and statements; safe to repeat. Most workspaces have none.
create or replace function private.post_charges(tenant uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
    wanted private.invoice_charges[];
begin
    if
        not exists (select from public.invoices as i where i.workspace_id = tenant)
        and not exists (select from public.statement_lines as l where l.workspace_id = tenant)
        and not exists (select from private.invoice_charges as c where c.workspace_id = tenant)
    then
        return;
    end if;
    perform private.lock_charges(tenant);
    perform private.pair_statements(tenant);
    wanted := array(select w from private.wanted_charges(tenant) as w);
    perform public.ensure_months(array(select w.day from unnest(wanted) as w where w.is_posted));
    perform pg_advisory_xact_lock(private.save_lock(tenant));
    perform private.write_charges(tenant, wanted, private.timezone_of(tenant));
end
$$;
revoke all on function private.post_charges(uuid) from public;

-- The same, with the renewals that an invoice or a statement now stands in for, or no longer.
create or replace function private.follow_charges(tenant uuid)
returns void
language plpgsql
set search_path = ''
as $$
begin
    perform private.post_charges(tenant);
    perform private.post_renewals_at_once(tenant, private.timezone_of(tenant), 1000);
end
$$;
revoke all on function private.follow_charges(uuid) from public;
