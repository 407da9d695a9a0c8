-- The way back from 009_settlement.sql.

drop trigger if exists cost_records_settle_updated_to on public.cost_records;
drop trigger if exists cost_records_settle_updated_from on public.cost_records;
drop trigger if exists cost_records_settle_deleted on public.cost_records;
drop trigger if exists cost_records_settle_inserted on public.cost_records;
drop trigger if exists cost_records_ledger_updated on public.cost_records;
drop trigger if exists cost_records_ledger_deleted on public.cost_records;
drop trigger if exists cost_records_ledger_inserted on public.cost_records;
drop function if exists private.lock_ledger();
drop function if exists private.settle_changed();
drop function if exists private.settle(private.ledger_page[]);
drop type if exists private.ledger_page;
