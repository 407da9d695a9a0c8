-- The way back from 079_saving_spans.sql.

drop function if exists private.store_spans(uuid, private.incoming_span[], jsonb);
drop function if exists private.rank_of_span(public.spans);
drop function if exists private.stored_span(uuid, private.incoming_span, date, uuid, uuid);
drop function if exists private.file_spans(uuid, private.incoming_span[]);
drop function if exists private.check_spans(uuid, private.incoming_span[]);
drop function if exists private.refuse_span(private.incoming_span, integer);
drop function if exists private.weeks_of_traces(uuid, private.incoming_span[]);
drop type if exists private.incoming_span;
