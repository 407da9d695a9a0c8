"""OpenTelemetry in files: spans and log records of requests to models, as OTLP's JSON or as JSON lines.

The same usage is told several times: by a request's span, by the spans around it, and by logs. Counted are

- of coding agents' own events, those of Claude Code, Codex and Gemini, whose traces then repeat them;
- of spans, requests (`chat`, `embeddings` …), but no agents, workflows and tools, which sum them up;
- of spans inside each other, the innermost;
- of statements with one id of a response, the one that tells most.

Costs are as the sender calculated them, else at list price: estimates in both cases. Requests of a plan are
included. Metrics are skipped: they are sums of the same requests.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tally.catalog.hosts import LOCAL, find_host, find_host_at
from tally.catalog.payees import OTHER, find_payee
from tally.core.records import JSON, CostRecord, identity, request_identity
from tally.importers.exports import Bucket, Dimensions, Numbers, utc_time
from tally.importers.gateways import EventName, Reported, make_record, name_request
from tally.importers.langfuse import read_cost
from tally.importers.langfuse import read_usage as read_details
from tally.importers.protocol import Options, Parsed, RowRejected, RowSkipped, read_rows
from tally.importers.readers.json_rows import flatten_json
from tally.importers.readers.table import Table
from tally.importers.readers.telemetry_rows import COLUMNS
from tally.pricing.service_tiers import find_condition
from tally.pricing.usage import STANDARD, Conditions, Usage

name = "otlp"
title = "OpenTelemetry file"

Row = Mapping[str, str]

NUMBERS = (
    "input_tokens",
    "output_tokens",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "reasoning",
    "tool_tokens",
)
COUNTED = ("input_tokens", "output_tokens", "cache_read", "cache_write")  # without any, no usage is told
DETAILS = ("service", "environment", "session", "agent")
# Events of coding agents that are a request each.
AGENT_EVENTS = ("api_request", "claude_code.api_request", "codex.sse_event")
EVENT_OF_GEMINI = ".api_response"  # and of its forks, each with a prefix of its own
REQUEST_EVENT = "gen_ai.client.inference.operation.details"
SENT_IN_LOGS = ("codex", "gemini")  # scopes whose spans repeat what logs tell
SUMS = frozenset(
    {
        "invoke_agent",
        "create_agent",
        "agent_step",
        "invoke_workflow",
        "plan",
        "execute_tool",
        "handle_responses",
        "ai.generatetext",
        "ai.streamtext",
        "ai.generateobject",
        "ai.streamobject",
        "ai.embed",
        "ai.embedmany",
    }
)
KINDS_OF_REQUESTS = frozenset({"", "llm", "embedding", "generation", "completion", "chat"})
COPILOT = "github-copilot"
# What a coding agent is signed in with, and the plan that then covers its requests.
PLANS = {"chatgpt": "chatgpt", "oauth-personal": "gemini-app", "login_with_google": "gemini-app"}
# Beginnings of the events of agents that name no requests -> the agent.
AGENTS = {"codex": "codex", "gemini_cli": "gemini-cli", "qwen-code": "qwen-code"}
NO_ERROR = ""
INVENTED_IDS = ("aitxt-",)  # by the AI SDK
FAILED = ("2", "STATUS_CODE_ERROR", "ERROR")

NO_REQUEST = "of spans and logs that are no requests to a model"
REPEATED = "of spans and logs that repeat the usage of their requests"
WITHOUT_USAGE = "of requests that tell no usage"
UNKNOWN = "of a shape that Tally does not know"
OF_METRICS = "of metrics, which are sums of the same requests"


def identify(header: Sequence[str]) -> bool:
    """Check whether the header is the one that the reader of OpenTelemetry gives."""
    return set(header) >= {*COLUMNS}


def parse(table: Table, options: Options) -> Parsed:
    """One estimated record per request."""
    readers = {column: table.reader(column) for column in COLUMNS}
    rows = [{column: read_cell(cells) for column, read_cell in readers.items()} for _, cells in table.rows]
    around, with_events = _find_around(rows), {row["service"] for row in rows if _is_agent_event(row)}
    numbers, named = (
        Numbers(table, options, *NUMBERS, "cost"),
        Dimensions(table, (*DETAILS, "model", "response_id")),
    )
    time_of = _times(table, options)

    def read_row(cells: Sequence[str]) -> CostRecord:
        row = {column: read_cell(cells) for column, read_cell in readers.items()}
        if reason := _find_reason(row, row["service"] in with_events):
            raise RowSkipped(reason)
        if _key(row) in around:
            raise RowSkipped(REPEATED)
        named.read(cells)  # rejects invalid names
        return _read_request(row, cells, numbers, time_of(cells), options)

    return read_rows(table, read_row, combine=choose_telling)


def choose_telling(first: CostRecord, second: CostRecord) -> CostRecord:
    """Of two statements about one request, the one with details of caches, more usage, a cost of its own."""

    def rank(record: CostRecord) -> tuple[bool, int, bool, bool, str]:
        has_caches = record.cached_input_tokens + record.cache_write_tokens > 0
        has_lifetimes = "cache_write_1h_tokens" in record.metadata
        has_cost = record.cost_usd is not None and "price_source" not in record.metadata
        return has_caches, record.tokens_used, has_cost, has_lifetimes, repr(record)

    return max(first, second, key=rank)


def _find_around(rows: Sequence[Row]) -> set[tuple[str, str]]:
    """The spans that other counted spans are inside of."""
    parents = {_key(row): (row["trace_id"], row["parent_id"]) for row in rows if row["parent_id"]}
    around: set[tuple[str, str]] = set()
    for row in rows:
        if row["signal"] != "span" or _find_reason(row):
            continue
        key = _key(row)
        outer = parents.get(key) if key not in around else None
        while outer is not None and outer != key and outer not in around:
            around.add(outer)
            outer = parents.get(outer)
    return around


def _key(row: Row) -> tuple[str, str]:
    return (row["trace_id"], row["span_id"]) if row["signal"] == "span" else ("", "")


def _find_reason(row: Row, has_events: bool = False) -> str:
    """The reason why a row is no request of its own; empty for one that is."""
    if row["signal"] == "metric":
        return OF_METRICS
    if row["signal"] == "log":
        return _find_reason_of_log(row, has_events)
    operation = row["operation"].lower() or row["name"].lower()
    if operation in SUMS or row["kind"].lower() not in KINDS_OF_REQUESTS:
        return REPEATED if _has_usage(row) else NO_REQUEST
    if row["scope"].startswith(SENT_IN_LOGS) or row["service"].startswith(SENT_IN_LOGS):
        return REPEATED if _has_usage(row) else NO_REQUEST
    return _find_reason_without_usage(row)


def _find_reason_of_log(row: Row, has_events: bool) -> str:
    if _is_agent_event(row):
        return ""
    if _event(row) == REQUEST_EVENT and not has_events:
        return _find_reason_without_usage(row)
    return REPEATED if _has_usage(row) else NO_REQUEST


def _find_reason_without_usage(row: Row) -> str:
    if _has_usage(row):
        return ""
    if row["has_unknown_counts"] == "true":
        return UNKNOWN
    return WITHOUT_USAGE if row["model"] else NO_REQUEST


def _has_usage(row: Row) -> bool:
    has_counts = any(row[column] not in ("", "0") for column in COUNTED)
    return has_counts or bool(flatten_json(row["usage_details"]))


def _is_agent_event(row: Row) -> bool:
    event = _event(row)
    is_known = event in AGENT_EVENTS or event.endswith(EVENT_OF_GEMINI)
    return row["signal"] == "log" and is_known and _has_usage(row)


def _event(row: Row) -> str:
    return row["event"] or row["name"]


def _times(table: Table, options: Options) -> Callable[[Sequence[str]], Bucket]:
    """A reader of the time when a request ended."""
    readers = [
        (table.reader(column), utc_time(table, options, column)) for column in ("event_time", "time", "start")
    ]

    def read_time(cells: Sequence[str]) -> Bucket:
        for read_cell, read_bucket in readers:
            if read_cell(cells):
                return read_bucket(cells)
        raise RowRejected('its time "" is missing')

    return read_time


def _read_request(
    row: Row, cells: Sequence[str], numbers: Numbers, when: Bucket, options: Options
) -> CostRecord:
    usage, reasoning = _read_usage(row, cells, numbers)
    cost_usd = numbers.amount_if_any("cost", cells)
    if row["cost_details"]:
        cost_usd = read_cost(flatten_json(row["cost_details"]), "")
    metadata: dict[str, JSON] = {column: row[column] for column in DETAILS if row[column]}
    if row["signal"] == "log" and row["session"] and (agent := _find_agent_without_ids(row)):
        metadata["channel"] = agent  # of a session, its log or its telemetry counts
    plan = _find_plan(row)
    hint = COPILOT if plan == COPILOT and find_payee(row["model"]) != LOCAL else _find_hint(row)
    condition = find_condition("" if row["tier"] == "normal" else row["tier"])
    if condition == ("service_tier", "fast") and _event(row) in AGENT_EVENTS:
        condition = ("speed", "fast")
    reported = Reported(
        when,
        row["model"],
        _name_request(row, when, usage, min(reasoning, usage.output_tokens), options),
        cost_usd,
        usage,
        min(reasoning, usage.output_tokens),
        is_failed=row["status"] in FAILED,
        hint=hint,
        conditions=Conditions(context=dict([condition])) if condition else STANDARD,
    )
    record = make_record(reported, OTHER, metadata, options)
    is_local = record.provider == LOCAL
    return replace(
        record,
        provider=plan if plan and not is_local else record.provider,
        cost_basis="included" if plan and not is_local else "estimated",
        billing_account=None if plan else record.billing_account,
        collection_method="otlp",
    )


def _read_usage(row: Row, cells: Sequence[str], numbers: Numbers) -> tuple[Usage, int]:
    if details := flatten_json(row["usage_details"]):
        return read_details(details)
    count = {column: numbers.count(column, cells) for column in NUMBERS}
    input_tokens, output, read, write = (count[column] for column in NUMBERS[:4])
    read = read or _count_inside(row["input_token_details"], "cache_read")
    write_1h = count["cache_write_1h"] or _count_inside(
        row["provider_metadata"], "anthropic.usage.cache_creation.ephemeral_1h_input_tokens"
    )
    if _event(row).endswith(EVENT_OF_GEMINI):
        output += count["reasoning"]
        input_tokens += count["tool_tokens"]
    # Input contains what was cached, but for a few senders, Claude Code among them.
    if input_tokens < read + write or _event(row) in AGENT_EVENTS[:2]:
        input_tokens += read + write
    return Usage(input_tokens, output, read, write, min(write_1h, write)), count["reasoning"]


def _count_inside(cell: str, path: str) -> int:
    text = flatten_json(cell).get(path, "") if cell else ""
    return int(text) if text.isdigit() and len(text) <= 15 else 0


def _find_plan(row: Row) -> str:
    if COPILOT in (row["scope"].replace(".", "-"), row["service"]):
        return COPILOT
    return PLANS.get(row["paid_with"].lower(), "")


def _find_hint(row: Row) -> str:
    """The provider by the server's name, else as the sender names it: `openai.chat` is OpenAI's."""
    if at := find_host_at(row["address"]):
        return at
    named = row["provider"]
    return named if find_host(named) else named.partition(".")[0]


def _name_request(row: Row, when: Bucket, usage: Usage, reasoning: int, options: Options) -> EventName:
    response, request = row["response_id"], row["request_id"]
    if response and not response.startswith(INVENTED_IDS):
        if response.startswith("req_"):
            return EventName(request_identity(response), response)
        return name_request(name, options, response)
    if request:
        return EventName(request_identity(request), request)
    # As what is sent to Tally is named, so that a file of the same adds nothing.
    if row["signal"] == "span" and row["span_id"]:
        return EventName(identity("otlp", row["trace_id"], row["span_id"]))
    counts = (
        *(usage.input_tokens, usage.output_tokens, usage.cached_input_tokens, usage.cache_write_tokens),
        reasoning,
    )
    told = (
        _find_agent_without_ids(row) or row["service"],
        row["session"],
        when.timestamp,
        row["model"],
        NO_ERROR,
        *counts,
    )
    return EventName(identity("otlp", *told))


def _find_agent_without_ids(row: Row) -> str:
    """The agent whose event it is, of those that name no requests; empty for others."""
    return AGENTS.get(_event(row).partition(".")[0], "")
