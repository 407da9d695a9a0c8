"""Lists of traces and of sessions, as `find_traces` and `find_sessions` give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tally.analytics.numbers import find_percentile
from tally.analytics.rights import Rights, Scope
from tally.storage.database import Row

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

MOST_ROWS = 200
MOST_NAMES = 100
POINTS = 400
IS_SEEN = (
    "(user_id = {caller:UUID} or ({reads_others:Bool} and not hasAny(project_ids, {hidden:Array(UUID)})))"
)
SEARCHED = "position(searched, {search:String}) > 0"
CONDITIONS = {
    "search": f"(startsWith(trace_id, {{search:String}}) or {SEARCHED})",
    "status": "status = {status:String}",
    "service": "service = {service:String}",
    "model": "has(models, {model:String})",
    "session": "session = {session:String}",
}
ORDERS = {"slowest": "duration_us desc, ", "dearest": "cost_usd desc nulls last, "}
SESSION_ORDERS = {
    "slowest": "sum(s.duration_us) desc, ",
    "dearest": "sum(s.cost_usd) desc nulls last, ",
}
TRACE = (
    *("trace_id", "name", "service", "session", "status", "first_at", "duration_us", "spans", "errors"),
    *("retries", "unpriced", "models", "cost_usd"),
)


def find_traces(client: Client, asked: Mapping[str, Any], answer: Mapping[str, Any]) -> Row:
    """A page of traces with sums over all that match; raises EngineError."""
    scope = _open_scope(client, asked, answer)
    given = {name: asked.get(name) for name in CONDITIONS} | {"search": answer["search"]}
    given = {name: value for name, value in given.items() if value is not None}
    conditions = " and ".join([IS_SEEN, *(CONDITIONS[name] for name in given)])
    [sums] = scope.ask(
        f"""select count() as traces, sum(cost_usd) as cost_usd, countIf(unpriced > 0) as unpriced_traces,
            countIf(status = 'error') as error_traces, countIf(status = 'retried') as retried_traces,
            {find_percentile("duration_us", 0.5)} as p50_us, {find_percentile("duration_us", 0.95)} as p95_us
        from $traces where {conditions}""",
        given,
    )
    names = scope.ask(
        f"""select groupUniqArrayIf({MOST_NAMES})(service, service != '') as services,
            groupUniqArrayArray({MOST_NAMES})(models) as all_models
        from $traces where {IS_SEEN}""",
        {},
    )[0]
    points = scope.ask(
        f"""select duration_us, cost_usd, status from $traces
        where {conditions} and cityHash64(trace_id) % {{each:UInt64}} = 0 limit {2 * POINTS}""",
        {**given, "each": 1 + sums["traces"] // POINTS},
    )
    rows = scope.ask(
        f"""select {", ".join(TRACE)}, input_tokens + output_tokens as tokens from $traces
        where {conditions}
        order by {ORDERS.get(asked["sort"], "")}first_at desc, trace_id
        limit {{rows:UInt32}} offset {{skip:UInt32}}""",
        {**given, **_page(asked)},
    )
    return {
        "traces": sums["traces"],
        "cost_usd": _text(sums["cost_usd"]),
        "unpriced": sums["unpriced_traces"],
        "errors": sums["error_traces"],
        "retried": sums["retried_traces"],
        "p50_us": sums["p50_us"] if sums["traces"] else None,
        "p95_us": sums["p95_us"] if sums["traces"] else None,
        "services": _names(names["services"]),
        "models": _names(names["all_models"]),
        "points": [
            [row["duration_us"], None if row["cost_usd"] is None else float(row["cost_usd"]), row["status"]]
            for row in points
        ]
        or None,
        "rows": [_describe(row) for row in rows] or None,
    }


def find_sessions(client: Client, asked: Mapping[str, Any], answer: Mapping[str, Any]) -> Row:
    """A page of sessions; raises EngineError."""
    scope = _open_scope(client, asked, answer)
    given = {} if answer["search"] is None else {"search": answer["search"]}
    conditions = " and ".join([IS_SEEN, "session != ''", *([SEARCHED] if given else [])])
    rows = scope.ask(
        f"""select s.session as session, count() as traces,
            min(s.first_at) as first_at, max(s.last_at) as last_at, sum(s.duration_us) as duration_us,
            sum(s.spans) as spans, sum(s.errors) as errors,
            sum(s.retries) as retries, sum(s.input_tokens + s.output_tokens) as tokens,
            sum(s.unpriced) as unpriced, sum(s.cost_usd) as cost_usd, max(s.service) as service,
            max(s.person) as person, max(s.agent) as agent, count() over () as sessions
        from (select * from $traces where {conditions}) as s
        group by s.session
        order by {SESSION_ORDERS.get(asked["sort"], "")}max(s.last_at) desc, session
        limit {{rows:UInt32}} offset {{skip:UInt32}}""",
        {**given, **_page(asked)},
    )
    if rows:
        sessions = rows[0]["sessions"]
    else:  # beyond the last page
        [found] = scope.ask(f"select uniqExact(session) as sessions from $traces where {conditions}", given)
        sessions = found["sessions"]
    described = [
        {name: value for name, value in _describe(row).items() if name != "sessions"} for row in rows
    ]
    return {"sessions": sessions, "rows": described or None}


def _open_scope(client: Client, asked: Mapping[str, Any], answer: Mapping[str, Any]) -> Scope:
    period = (datetime.fromisoformat(asked[name]) for name in ("first_at", "last_at"))
    return Scope(client, Rights.read(answer), *period)


def _page(asked: Mapping[str, Any]) -> dict[str, int]:
    return {"rows": max(min(asked["page_rows"], MOST_ROWS), 0), "skip": max(asked["skip"], 0)}


def _names(found: Sequence[str]) -> list[str] | None:
    return sorted(found, key=str.encode) or None


def _describe(row: Row) -> Row:
    instants = {
        name: row[name].replace(tzinfo=UTC).isoformat() for name in ("first_at", "last_at") if name in row
    }
    return row | instants | {"cost_usd": _text(row["cost_usd"])}


def _text(amount: Any) -> str | None:
    return None if amount is None else format(amount, "f")
