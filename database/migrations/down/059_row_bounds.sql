-- The way back from 059_row_bounds.sql.

drop trigger if exists invitations_bound on public.invitations;
drop trigger if exists members_bound on public.members;
drop trigger if exists billing_accounts_bound on public.billing_accounts;
drop trigger if exists model_aliases_bound on public.model_aliases;
drop trigger if exists price_multipliers_bound on public.price_multipliers;
drop trigger if exists model_prices_bound on public.model_prices;
drop trigger if exists imports_bound on public.imports;
drop trigger if exists subscriptions_bound on public.subscriptions;
drop trigger if exists api_credentials_bound on public.api_credentials;
drop function if exists private.refuse_too_many();
