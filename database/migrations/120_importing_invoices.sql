-- 120_importing_invoices.sql: the invoices of a file, all of them or none.

-- Saves invoices as save_invoice does, in one transaction: {added, known}. The sentence of a refusal names the invoice.
create or replace function public.save_invoices(workspace uuid, invoices jsonb)
returns json
language plpgsql
security definer
set search_path = ''
set statement_timeout = '30s' -- PostgREST applies it
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    invoice jsonb;
    added integer := 0;
    told text;
begin
    if jsonb_typeof(invoices) is distinct from 'array' or jsonb_array_length(invoices) not between 1 and 200 then
        raise exception 'A file can have 1 to 200 invoices. Divide it.' using errcode = '22023';
    end if;
    for invoice in select i.value from jsonb_array_elements(invoices) with ordinality as i (value, place) order by i.place
    loop
        begin
            if (public.save_invoice(tenant, invoice) ->> 'is_new')::boolean then
                added := added + 1;
            end if;
        exception
            when sqlstate '22023' then
                get stacked diagnostics told = message_text;
                raise exception 'Invoice %: % Nothing was saved.', private.invoice_text(invoice ->> 'number', 100), told
                    using errcode = '22023';
        end;
    end loop;
    return json_build_object('added', added, 'known', jsonb_array_length(invoices) - added);
end
$$;
revoke all on function public.save_invoices(uuid, jsonb) from public, anon, service_role;
grant execute on function public.save_invoices(uuid, jsonb) to authenticated;
