-- 110_saving_invoices.sql: saving, deciding on and deleting invoices and lines of card statements, by admins.

-- A text of an invoice without line breaks and invisible characters; null for an empty one.
create or replace function private.invoice_text(given text, at_most integer)
returns text
language sql
immutable
set search_path = ''
as $$
    select nullif(left(btrim(regexp_replace(given, '[[:cntrl:][:space:]]+', ' ', 'g')), at_most), '')
$$;
revoke all on function private.invoice_text(text, integer) from public;

-- One change of a workspace's invoices and statements at a time, which sees those before it: first locks of a save, in its order.
create or replace function private.lock_charges(tenant uuid)
returns void
language plpgsql
set search_path = ''
as $$
begin
    perform pg_advisory_xact_lock_shared(private.timezone_lock(tenant));
    perform pg_advisory_xact_lock(hashtextextended('tally.invoices.' || tenant::text, 0));
end
$$;
revoke all on function private.lock_charges(uuid) from public;

-- The provider of this name; 22023 for one that is unknown.
create or replace function private.provider_named(given text)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
declare
    found_id constant uuid := (select p.id from public.providers as p where p.name = given);
begin
    if found_id is null then
        raise exception 'Choose the provider that the charge is of.' using errcode = '22023';
    end if;
    return found_id;
end
$$;
revoke all on function private.provider_named(text) from public;

-- Adds the lines of an invoice; 22023 where they do not add up to its subtotal.
create or replace function private.add_invoice_lines(of_invoice public.invoices, lines jsonb)
returns void
language plpgsql
set search_path = ''
as $$
begin
    if
        jsonb_typeof(lines) is distinct from 'array' or jsonb_array_length(lines) not between 1 and 200
        or lines @? '$[*] ? (@.type() != "object")'
    then
        raise exception 'An invoice needs 1 to 200 lines with amounts.' using errcode = '22023';
    end if;
    insert into public.invoice_lines (
        workspace_id, invoice_id, position, description, amount, quantity, unit_price, period_start, period_end
    )
    select
        (of_invoice).workspace_id, (of_invoice).id, l.position, coalesce(private.invoice_text(r.description, 500), '–'), r.amount,
        r.quantity, r.unit_price, r.period_start, r.period_end
    from jsonb_array_elements(lines) with ordinality as l (line, position)
    cross join lateral jsonb_populate_record(null::public.invoice_lines, l.line) as r;
    if (select sum(l.amount) from public.invoice_lines as l where l.invoice_id = (of_invoice).id) <> (of_invoice).subtotal then
        raise exception 'The lines do not add up to the subtotal. Correct an amount.' using errcode = '22023';
    end if;
end
$$;
revoke all on function private.add_invoice_lines(public.invoices, jsonb) from public;

-- The saved invoice that this one is another paper of, with what the paper adds: a receipt and its invoice are one charge. Null
-- for a new one; 22023 where the two differ.
create or replace function private.join_invoice(given public.invoices)
returns uuid
language plpgsql
set search_path = ''
as $$
declare
    saved public.invoices;
begin
    select i.* into saved
    from public.invoices as i
    where
        i.workspace_id = (given).workspace_id
        and lower(i.seller) = lower((given).seller)
        and lower(i.number) = lower((given).number)
    for no key update;
    if not found then
        return null;
    end if;
    if (saved.total, saved.tax, saved.currency) <> ((given).total, (given).tax, (given).currency) then
        raise exception
            'Invoice % of % is saved already, with a total of % %. Delete that one first if it is wrong.',
            saved.number, saved.seller, round(saved.total, greatest(2, scale(trim_scale(saved.total)))), saved.currency
            using errcode = '22023';
    end if;
    update public.invoices as i
    set
        paid_on = coalesce(i.paid_on, (given).paid_on),
        card_last_four = coalesce(i.card_last_four, (given).card_last_four),
        issued_on = least(i.issued_on, (given).issued_on)
    where
        i.id = saved.id
        and (
            i.paid_on is null and (given).paid_on is not null
            or i.card_last_four is null and (given).card_last_four is not null
            or (given).issued_on < i.issued_on
        );
    return saved.id;
end
$$;
revoke all on function private.join_invoice(public.invoices) from public;

-- Saves an invoice with its lines: {id, is_new}. Its amounts must add up.
create or replace function public.save_invoice(workspace uuid, invoice jsonb)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    given public.invoices;
    joined uuid;
    broken text;
    rule text;
begin
    if jsonb_typeof(invoice) = 'object' then
        given := jsonb_populate_record(null::public.invoices, invoice - 'id' - 'workspace_id' - 'metadata');
    end if;
    given.workspace_id := tenant;
    given.provider_id := private.provider_named(invoice ->> 'provider');
    given.seller := private.invoice_text(given.seller, 200);
    given.number := private.invoice_text(given.number, 100);
    if given.seller is null or given.number is null or given.issued_on is null or given.total is null then
        raise exception 'An invoice needs its seller, number, date and total.' using errcode = '22023';
    end if;
    if given.issued_on > (now() at time zone 'UTC')::date + 31 then
        raise exception 'This invoice is of a day to come. Check its date.' using errcode = '22023';
    end if;
    if given.subtotal + given.discount + given.tax <> given.total then
        raise exception 'Subtotal, discount and tax do not add up to the total. Correct an amount.' using errcode = '22023';
    end if;
    perform private.lock_charges(tenant); -- two papers of one at once
    joined := private.join_invoice(given);
    if joined is null then
        insert into public.invoices (
            workspace_id, provider_id, seller, number, kind, issued_on, paid_on, period_start, period_end, currency, subtotal,
            discount, tax, total, applied_balance, usd_rate, expires_on, card_last_four, plan_name, origin, file_sha256
        )
        values (
            tenant, given.provider_id, given.seller, given.number, given.kind, given.issued_on, given.paid_on,
            given.period_start, given.period_end, given.currency, given.subtotal, coalesce(given.discount, 0),
            coalesce(given.tax, 0), given.total, coalesce(given.applied_balance, 0), given.usd_rate, given.expires_on,
            given.card_last_four, private.invoice_text(given.plan_name, 200), coalesce(given.origin, 'typed'),
            given.file_sha256
        )
        returning * into given;
        perform private.add_invoice_lines(given, invoice -> 'lines');
    end if;
    perform private.follow_charges(tenant);
    return json_build_object('id', coalesce(joined, given.id), 'is_new', joined is null);
exception
    when not_null_violation or check_violation or invalid_text_representation or invalid_datetime_format
        or datetime_field_overflow or numeric_value_out_of_range then
        get stacked diagnostics broken = column_name, rule = constraint_name;
        raise exception '%', private.explain_broken_charge('invoice', broken || rule) using errcode = '22023';
end
$$;
revoke all on function public.save_invoice(uuid, jsonb) from public, anon, service_role;
grant execute on function public.save_invoice(uuid, jsonb) to authenticated;

-- Accepts an invoice as it is, ignores it, or takes either back (null).
create or replace function public.decide_invoice(workspace uuid, invoice uuid, decision text)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
begin
    perform private.lock_charges(tenant);
    if $3 not in ('accepted', 'ignored') then
        raise exception 'An invoice can be accepted or ignored.' using errcode = '22023';
    end if;
    update public.invoices as i
    set
        decision = $3,
        decided_at = case when $3 is not null then now() end,
        decided_by = case when $3 is not null then auth.uid() end
    where i.workspace_id = tenant and i.id = $2;
    if not found then
        raise exception 'This invoice no longer exists. Reload the page.' using errcode = '22023';
    end if;
    perform private.follow_charges(tenant);
end
$$;
revoke all on function public.decide_invoice(uuid, uuid, text) from public, anon, service_role;
grant execute on function public.decide_invoice(uuid, uuid, text) to authenticated;

-- Deletes an invoice with what it brought.
create or replace function public.delete_invoice(workspace uuid, invoice uuid)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
begin
    perform private.lock_charges(tenant);
    delete from public.invoices as i where i.workspace_id = tenant and i.id = $2;
    perform private.follow_charges(tenant);
end
$$;
revoke all on function public.delete_invoice(uuid, uuid) from public, anon, service_role;
grant execute on function public.delete_invoice(uuid, uuid) to authenticated;

-- Saves lines of a card statement: {added, known}. One that is there already stays as it is.
create or replace function public.save_statement_lines(workspace uuid, lines jsonb)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    added integer;
    broken text;
    rule text;
begin
    if
        jsonb_typeof(lines) is distinct from 'array' or jsonb_array_length(lines) > 2000
        or lines @? '$[*] ? (@.type() != "object")'
    then
        raise exception 'A statement can have 2,000 charges for AI at most. Divide it.' using errcode = '22023';
    end if;
    perform private.lock_charges(tenant);
    insert into public.statement_lines (
        workspace_id, provider_id, identity, kind, product, descriptor, posted_on, amount, currency, usd_rate, card_last_four
    )
    select
        tenant, private.provider_named(l.line ->> 'provider'), r.identity, r.kind, private.invoice_text(r.product, 200),
        private.invoice_text(r.descriptor, 200), r.posted_on, r.amount, r.currency, r.usd_rate, r.card_last_four
    from jsonb_array_elements(lines) as l (line)
    cross join lateral jsonb_populate_record(null::public.statement_lines, l.line) as r
    on conflict on constraint statement_lines_once do nothing;
    get diagnostics added = row_count;
    perform private.follow_charges(tenant);
    return json_build_object('added', added, 'known', jsonb_array_length(lines) - added);
exception
    when not_null_violation or check_violation or invalid_text_representation or invalid_datetime_format
        or datetime_field_overflow or numeric_value_out_of_range then
        get stacked diagnostics broken = column_name, rule = constraint_name;
        raise exception '%', private.explain_broken_charge('charge', broken || rule) using errcode = '22023';
end
$$;
revoke all on function public.save_statement_lines(uuid, jsonb) from public, anon, service_role;
grant execute on function public.save_statement_lines(uuid, jsonb) to authenticated;

-- Ignores a line of a statement, or counts it again. An ignored one stays, so that the same statement does not bring it back.
create or replace function public.ignore_statement_line(workspace uuid, line uuid, is_ignored boolean)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
begin
    perform private.lock_charges(tenant);
    update public.statement_lines as l
    set is_ignored = coalesce($3, true), invoice_id = case when $3 is false then l.invoice_id end
    where l.workspace_id = tenant and l.id = $2;
    perform private.follow_charges(tenant);
end
$$;
revoke all on function public.ignore_statement_line(uuid, uuid, boolean) from public, anon, service_role;
grant execute on function public.ignore_statement_line(uuid, uuid, boolean) to authenticated;

-- Deletes a line of a statement.
create or replace function public.delete_statement_line(workspace uuid, line uuid)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
begin
    perform private.lock_charges(tenant);
    delete from public.statement_lines as l where l.workspace_id = tenant and l.id = $2;
    perform private.follow_charges(tenant);
end
$$;
revoke all on function public.delete_statement_line(uuid, uuid) from public, anon, service_role;
grant execute on function public.delete_statement_line(uuid, uuid) to authenticated;
