-- 039_exchange_rates.sql: exchange rates of the days after those that are shipped with Tally.

-- public.exchange_rates: units of a currency for one euro, as the European Central Bank published them on that day. The nightly
-- run writes them; every signed-in user reads them.
create table if not exists public.exchange_rates (
    day date not null check (day between date '1999-01-01' and date '2100-01-01'),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    rate numeric not null check (rate > 0 and rate < 1000000000),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    primary key (day, currency)
);
alter table public.exchange_rates enable row level security;
revoke all on public.exchange_rates from anon, authenticated, service_role;
grant select on public.exchange_rates to authenticated;
grant select, insert, update, delete on public.exchange_rates to service_role;

drop policy if exists exchange_rates_select_signed_in on public.exchange_rates;
create policy exchange_rates_select_signed_in
    on public.exchange_rates
    for select
    to authenticated
    using ((select auth.uid()) is not null);
