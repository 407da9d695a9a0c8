-- The way back from 005_filing_rules.sql.

drop function if exists public.name_billing_account(uuid, text, text);
drop table if exists public.billing_accounts;
drop table if exists public.person_aliases;
drop function if exists private.model_key_of(text);
drop function if exists private.write_rules(public.project_rules[]);
drop function if exists private.fields_of(public.project_rules[]);
drop function if exists private.active_rules(uuid, uuid);
drop table if exists public.project_rules;
