-- 109_invoices.sql: invoices and receipts with their lines, and the lines of card statements that are about AI. Functions write
-- them (110_saving_invoices.sql), so that all sums add up.

-- public.invoices: one charge each, an invoice and its receipt together. Amounts are in its currency.
create table if not exists public.invoices (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    provider_id uuid not null references public.providers (id),
    seller text not null check (length(seller) between 1 and 200),
    number text not null check (length(number) between 1 and 100),
    kind text not null check (kind in ('usage', 'subscription', 'credits')), -- credits are cash, and never a cost
    issued_on date not null check (issued_on between date '2020-01-01' and date '2100-01-01'),
    paid_on date check (paid_on between date '2020-01-01' and date '2100-01-01'),
    period_start date check (period_start between date '2020-01-01' and date '2100-01-01'),
    period_end date check (period_end between date '2020-01-01' and date '2100-01-01'), -- the last day
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    subtotal numeric(22, 10) not null check (abs(subtotal) < 1000000000000),
    discount numeric(22, 10) not null default 0 check (discount <= 0 and discount > -1000000000000),
    tax numeric(22, 10) not null default 0 check (abs(tax) < 1000000000000),
    total numeric(22, 10) not null check (abs(total) < 1000000000000),
    applied_balance numeric(22, 10) not null default 0 check (applied_balance <= 0 and applied_balance > -1000000000000),
    usd_rate numeric(20, 12) check (usd_rate > 0 and usd_rate < 1000000), -- dollars a unit; null = the currency has no rate
    expires_on date check (expires_on between date '2020-01-01' and date '2100-01-01'), -- of credits
    card_last_four text check (card_last_four ~ '^[0-9]{4}$'),
    plan_name text check (length(plan_name) between 1 and 200),
    origin text not null default 'typed' check (origin in ('pdf', 'csv', 'typed')),
    file_sha256 text check (file_sha256 ~ '^[0-9a-f]{64}$'),
    decision text check (decision in ('accepted', 'ignored')), -- a person's; other states follow from the figures
    decided_at timestamptz check (decided_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    decided_by uuid,
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_by uuid default auth.uid() references auth.users (id) on delete set null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint invoices_of_workspace unique (workspace_id, id),
    constraint invoices_add_up check (subtotal + discount + tax = total),
    constraint invoices_period check (
        (period_start is null) = (period_end is null)
        and period_end between period_start and period_start + 400
        and (kind <> 'usage' or period_start is not null)
    ),
    constraint invoices_in_dollars check (abs(total) * coalesce(usd_rate, 0) < 100000000) -- what a record can cost
);
create unique index if not exists invoices_once on public.invoices (workspace_id, lower(seller), lower(number));
create index if not exists invoices_provider_id_idx on public.invoices (provider_id);
create index if not exists invoices_created_by_idx on public.invoices (created_by);
alter table public.invoices enable row level security;
revoke all on public.invoices from anon, authenticated, service_role;
grant select on public.invoices to authenticated, service_role;

-- public.invoice_lines: before taxes and discounts of the whole.
create table if not exists public.invoice_lines (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null,
    invoice_id uuid not null,
    position integer not null check (position between 1 and 200),
    description text not null check (length(description) <= 500),
    amount numeric(22, 10) not null check (abs(amount) < 1000000000000),
    quantity numeric check (abs(quantity) < 1000000000000000),
    unit_price numeric check (abs(unit_price) < 1000000000000),
    period_start date check (period_start between date '2020-01-01' and date '2100-01-01'),
    period_end date check (period_end between date '2020-01-01' and date '2100-01-01'),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_at timestamptz not null default now(),
    constraint invoice_lines_once unique (invoice_id, position),
    constraint invoice_lines_invoice
    foreign key (workspace_id, invoice_id) references public.invoices (workspace_id, id) on delete cascade
);
create index if not exists invoice_lines_workspace_id_idx on public.invoice_lines (workspace_id, invoice_id);
alter table public.invoice_lines enable row level security;
revoke all on public.invoice_lines from anon, authenticated, service_role;
grant select on public.invoice_lines to authenticated, service_role;

-- public.statement_lines: charges of a card that are about AI; nothing else of a statement is kept.
create table if not exists public.statement_lines (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    provider_id uuid not null references public.providers (id),
    identity text not null check (identity ~ '^[0-9a-f]{64}$'), -- a hash of the account and the bank's own id
    kind text not null check (kind in ('plan', 'api')),
    product text not null check (length(product) between 1 and 200),
    descriptor text not null check (length(descriptor) between 1 and 200),
    posted_on date not null check (posted_on between date '2020-01-01' and date '2100-01-01'),
    amount numeric(22, 10) not null check (abs(amount) < 1000000000000), -- negative = paid back
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    usd_rate numeric(20, 12) check (usd_rate > 0 and usd_rate < 1000000),
    card_last_four text check (card_last_four ~ '^[0-9]{4}$'),
    invoice_id uuid, -- the invoice that it paid
    is_ignored boolean not null default false,
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_by uuid default auth.uid() references auth.users (id) on delete set null,
    created_at timestamptz not null default now(),
    constraint statement_lines_once unique (workspace_id, identity),
    constraint statement_lines_in_dollars check (abs(amount) * coalesce(usd_rate, 0) < 100000000),
    constraint statement_lines_invoice
    foreign key (workspace_id, invoice_id) references public.invoices (workspace_id, id) on delete set null (invoice_id)
);
create index if not exists statement_lines_provider_id_idx on public.statement_lines (provider_id);
create index if not exists statement_lines_invoice_idx on public.statement_lines (workspace_id, invoice_id);
create index if not exists statement_lines_created_by_idx on public.statement_lines (created_by);
alter table public.statement_lines enable row level security;
revoke all on public.statement_lines from anon, authenticated, service_role;
grant select on public.statement_lines to authenticated, service_role;

-- The sentence about an invoice, or a charge of a statement, with a column that is missing, out of its bounds, or no value.
create or replace function private.explain_broken_charge(paper text, broken text)
returns text
language sql
immutable
set search_path = ''
as $$
    select case
        when broken = '' then 'A value of this ' || paper || ' cannot be read. Write days as 2026-05-31, and amounts as 19.90.'
        when broken = 'invoices_in_dollars' or broken = 'statement_lines_in_dollars' then
            'An amount of this ' || paper || ' is 100 million dollars or more. Correct it.'
        when broken = 'invoices_period' then
            'The period of this invoice needs its first and its last day, at most 400 days later. Correct them.'
        else
            format(
                'Correct the value of %s of this %s: it is missing or out of its bounds. Days are from 2020 to 2100.',
                regexp_replace(broken, '^(invoices|invoice_lines|statement_lines)_(.*)_check[0-9]*$', '\2'), paper
            )
    end
$$;
revoke all on function private.explain_broken_charge(text, text) from public;

-- They tell what everybody's usage cost: hidden where members see their own costs only.
drop policy if exists invoices_select_member on public.invoices;
create policy invoices_select_member
    on public.invoices
    for select
    to authenticated
    using (workspace_id = any(array(select private.workspaces_showing_totals())));

drop policy if exists invoice_lines_select_member on public.invoice_lines;
create policy invoice_lines_select_member
    on public.invoice_lines
    for select
    to authenticated
    using (workspace_id = any(array(select private.workspaces_showing_totals())));

drop policy if exists statement_lines_select_member on public.statement_lines;
create policy statement_lines_select_member
    on public.statement_lines
    for select
    to authenticated
    using (workspace_id = any(array(select private.workspaces_showing_totals())));

create or replace trigger invoices_touch
    before update on public.invoices
    for each row execute function private.touch_updated_at();
create or replace trigger invoices_bound
    after insert on public.invoices referencing new table as added
    for each statement execute function private.refuse_too_many(
        '2000', 'invoices', 'Delete those of years that are closed on the Invoices page.'
    );
create or replace trigger statement_lines_bound
    after insert on public.statement_lines referencing new table as added
    for each statement execute function private.refuse_too_many(
        '5000', 'lines of card statements', 'Delete those of years that are closed on the Invoices page.'
    );

select private.note_changes_of('public.invoices');
select private.note_changes_of('public.statement_lines');
select private.audit_changes_of(
    'public.invoices',
    array[
        'provider_id', 'seller', 'number', 'kind', 'issued_on', 'paid_on', 'period_start', 'period_end', 'currency', 'subtotal',
        'discount', 'tax', 'total', 'applied_balance', 'usd_rate', 'expires_on', 'card_last_four', 'plan_name', 'decision'
    ]
);
select private.audit_changes_of(
    'public.statement_lines',
    array['provider_id', 'kind', 'product', 'posted_on', 'amount', 'currency', 'is_ignored']
);
