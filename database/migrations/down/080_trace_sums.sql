-- The way back from 080_trace_sums.sql.

drop function if exists public.save_spans(json, uuid);
drop function if exists private.count_spans_of(uuid, jsonb);
drop function if exists private.sum_traces(uuid, text[], date[]);
drop function if exists private.described_traces(uuid, text[], date[]);
drop function if exists private.counted_calls(uuid, text[], date[]);
