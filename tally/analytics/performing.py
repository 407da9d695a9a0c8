"""Requests, failures and latencies of models, as `model_performance` tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tally.analytics.numbers import divide, find_percentile
from tally.analytics.rights import NONE, Rights, Scope
from tally.storage.database import Row

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

FRACTIONS = (0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
MOST_MODELS, MOST_COURSES = 100, 20
COLUMNS = (
    *("id", "provider_id", "model_name", "timestamp", "call_status", "duration_ms", "first_token_ms"),
    *("tokens_used", "output_tokens", "cost_usd", "run", "user_id", "project_id"),
)
# As private.superseded_calls: of events whose record tells nothing of a call, one statement that does.
SUPERSEDED = f"""select {", ".join(COLUMNS)} from $superseded as s
    where is_call = 1
        and (source_key, timestamp) not in (select source_key, timestamp from $records where is_call = 1)
        and (has_request_id = 0 or source_key not in (
            select source_key from $all_records where is_call = 1 and has_request_id = 1
                and source_key in (select source_key from $superseded where is_call = 1)
        ))
        and (source_key, toString(id)) in (
            select source_key, min(toString(id)) from $all_superseded
            where is_call = 1 and source_key in (select source_key from $superseded where is_call = 1)
            group by source_key
        )"""
IS_SEEN = f"""({{only_own:Nullable(UUID)}} is null or user_id = {{only_own:Nullable(UUID)}})
    and (user_id = {{caller:UUID}} or not has({{hidden:Array(UUID)}}, ifNull(project_id, {NONE})))
    and ({{project:Nullable(UUID)}} is null or ifNull(project_id, {NONE}) = {{project:Nullable(UUID)}})"""
START = "toUInt32(roundDown(toUnixTimestamp(timestamp), {starts:Array(UInt32)}))"
CALLS = f"""select *, {START} as start
    from (select {", ".join(COLUMNS)} from $records where is_call = 1 union all {SUPERSEDED})
    where call_status != '' and {IS_SEEN}"""
IS_OK = "call_status = 'ok'"
# While an answer was written: after the first token, where a call tells when that came.
WRITING = f"if({IS_OK} and output_tokens > 0, duration_ms - ifNull(first_token_ms, 0), null)"
IS_FREE = f"({IS_OK} = 0 and tokens_used = 0)"
TIMED = f"duration_ms is not null and {IS_OK}"
STARTED = f"first_token_ms is not null and {IS_OK}"
SUMS = f"""count() as requests,
    countIf(call_status = 'error') as errors,
    countIf(call_status = 'timeout') as timeouts,
    countIf(call_status = 'rate_limited') as rate_limited,
    countIf({TIMED}) as timed,
    {find_percentile("assumeNotNull(duration_ms)", *FRACTIONS, condition=TIMED)} as percentiles,
    countIf({STARTED}) as first_tokens,
    {find_percentile("assumeNotNull(first_token_ms)", 0.5, condition=STARTED)} as first_token,
    sumIf(toInt128(output_tokens), {WRITING} > 0) as written,
    sumIf(toInt128({WRITING}), {WRITING} > 0) as writing_ms,
    sum(toInt128(tokens_used)) as tokens,
    sum(cost_usd) as cost,
    countIf(cost_usd is not null or {IS_FREE}) as priced,
    countIf(cost_usd is null and not {IS_FREE}) as unpriced"""
# Of groups over the whole period, the start is 0.
RETRIES = f"""select provider_id, model_name, start, count() as retries
    from (
        select provider_id, model_name, start,
            lagInFrame(call_status, 1, 'ok') over (
                partition by run, provider_id, model_name order by timestamp, call_status
                rows between unbounded preceding and unbounded following
            ) != 'ok' as is_retry
        from ({CALLS})
        where run in (select run from ({CALLS}) where call_status != 'ok' and run != '')
    )
    where is_retry
    group by grouping sets ((provider_id, model_name), (provider_id, model_name, start))"""


def find_performance(client: Client, asked: Mapping[str, Any], answer: Mapping[str, Any]) -> Row:
    """The performance of models in a period; raises EngineError."""
    period = (datetime.fromisoformat(asked[name]) for name in ("first_at", "last_at"))
    scope = Scope(client, Rights.read(answer), *period)
    given = {"starts": answer["starts"], "project": asked.get("project"), "only_own": answer["only_own"]}
    retries = {
        (row["provider_id"], row["model_name"], row["start"]): row["retries"]
        for row in scope.ask(RETRIES, given)
    }
    sums = scope.ask(
        f"""select provider_id, model_name, start, {SUMS} from ({CALLS})
        group by grouping sets ((provider_id, model_name), (provider_id, model_name, start))""",
        given,
    )
    found = [_describe(row, retries, answer["providers"]) for row in sums]
    models = sorted(
        (row for row in found if row["at"] is None),
        key=lambda row: (-row["requests"], row["model_name"].encode(), row["provider"].encode()),
    )
    return {
        "requests": sum(row["requests"] for row in models),
        "names": len(models),
        "models": [_without(row, "at") for row in models[:MOST_MODELS]],
        "points": _list_points(found, models, (asked.get("chosen") or [])[:MOST_COURSES]),
    }


def _list_points(found: Sequence[Row], models: Sequence[Row], chosen: Sequence[str]) -> list[Row]:
    """The courses of the busiest models and of the chosen ones."""
    places = {
        (row["provider"], row["model_name"]): place
        for place, row in enumerate(models[:MOST_MODELS])
        if place < MOST_COURSES or row["model_name"] in chosen
    }
    points = [
        row for row in found if row["at"] is not None and (row["provider"], row["model_name"]) in places
    ]
    points.sort(key=lambda row: (row["at"], places[row["provider"], row["model_name"]]))
    return [_without(row, "provider_title") for row in points]


def _without(row: Row, left_out: str) -> Row:
    return {name: value for name, value in row.items() if name != left_out}


def _describe(
    row: Row, retries: Mapping[tuple[Any, ...], int], providers: Mapping[str, tuple[str, str]]
) -> Row:
    name, title = providers[str(row["provider_id"])]
    start = row["start"]
    speed = None
    if row["writing_ms"]:
        speed = float(divide(Decimal(row["written"] * 1000), Decimal(row["writing_ms"])))
    counts = ("requests", "errors", "timeouts", "rate_limited", "timed", "first_tokens", "priced", "unpriced")
    return {
        "provider": name,
        "provider_title": title,
        "model_name": row["model_name"],
        "at": datetime.fromtimestamp(start, UTC).isoformat() if start else None,
        **{count: row[count] for count in counts},
        "retries": retries.get((row["provider_id"], row["model_name"], start), 0),
        "percentiles": list(row["percentiles"]) if row["timed"] else None,
        "first_token_ms": row["first_token"] if row["first_tokens"] else None,
        "tokens_per_second": speed,
        "tokens": row["tokens"],
        "cost_usd": None if row["cost"] is None else format(row["cost"], "f"),
    }
