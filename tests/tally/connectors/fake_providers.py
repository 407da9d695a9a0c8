"""The three providers' APIs on a local socket: recorded responses, and faults on demand."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

RECORDED = Path(__file__).parent / "recorded"
KEYS = {
    "openai": "sk-admin-4f2a9c7e1b3d5a8f6c0e",
    "anthropic": "sk-ant-admin01-9d7c5b3a1f2e4d6c",
    "openrouter": "sk-or-v1-0a1b2c3d4e5f60718293",
}
# Keys of a project and of a workspace, which read jobs and no costs.
JOB_KEYS = {"openai": "sk-proj-7e1b3d5a8f6c0e4f2a9c", "anthropic": "sk-ant-api03-5b3a1f2e4d6c9d7c"}
BASE_PATHS = {"openai": "/openai/v1", "anthropic": "/anthropic", "openrouter": "/openrouter/api/v1"}
DAY = timedelta(days=1)
Row = dict[str, Any]
# Dimensions of rows, null unless grouped by; other fields are summed.
ANTHROPIC_DESCRIBED = (
    "description", "cost_type", "model", "token_type", "service_tier", "context_window", "inference_geo",
)  # fmt: skip


ALWAYS = ("object", "quantity_unit", "currency", "organization_id")


@dataclass(frozen=True, slots=True)
class Fault:
    """One response that differs from the usual one."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None  # None: the provider's usual body for this status
    change: Callable[[Any], Any] | None = None  # changes the usual response
    delay_seconds: float = 0
    cut_at: int | None = None  # bytes after which the connection ends
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A received request."""

    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]


class FakeProviders:
    """State of the fake APIs: recorded responses, received requests and pending faults."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.recorded = {file.stem: json.loads(file.read_text()) for file in RECORDED.glob("*.json")}
        self.requests: list[ReceivedRequest] = []
        self.page_buckets = 31  # maximum per page, for any requested limit
        self.page_jobs = 2
        self._faults: list[tuple[str, Fault]] = []
        self._lock = threading.Lock()

    def base_url(self, provider: str) -> str:
        """Return the address of a provider's API."""
        return self.address + BASE_PATHS[provider]

    def fail(self, path_part: str, *faults: Fault) -> None:
        """Queue faults for the next requests whose path contains this part."""
        with self._lock:
            self._faults += [(path_part, fault) for fault in faults]

    def clear_faults(self) -> None:
        """Remove all pending faults."""
        with self._lock:
            self._faults.clear()

    def date_activity(self, day: date) -> None:
        """Move OpenRouter's recorded activity to one day."""
        for row in self.recorded["openrouter_activity"]["data"]:
            row["date"] = day.isoformat()

    def requests_for(self, path_part: str) -> list[ReceivedRequest]:
        """Return the requests whose path contains this part."""
        return [request for request in self.requests if path_part in request.path]

    def pop_fault(self, path: str) -> Fault | None:
        """Remove and return the next fault for a path."""
        with self._lock:
            for place, (part, fault) in enumerate(self._faults):
                if part in path:
                    del self._faults[place]
                    return fault
        return None

    def answer(
        self, provider: str, path: str, query: dict[str, list[str]], headers: Mapping[str, str]
    ) -> Any:
        """Return a response body; KeyError for an unknown path, ValueError for a bad request."""
        if provider in JOB_KEYS and (name := path.removeprefix("/v1/").lstrip("/")) in self.jobs(provider):
            return self._answer_jobs(provider, name, query)
        if provider == "anthropic" and path.endswith("/results"):
            return self.recorded["anthropic_results"][path.split("/")[-2]]
        if provider == "openai":
            return self._answer_openai(path.removeprefix("/organization/"), query)
        if provider == "openrouter":
            return self.recorded[f"openrouter_{path.removeprefix('/')}"]
        part = path.removeprefix("/v1/organizations/")
        if part == "cost_report":
            return self._answer_anthropic(self.recorded["anthropic_cost_report"], query, _describe)
        if part == "usage_report/claude_code":
            return self._answer_claude_code(query)
        if part != "usage_report/messages":
            raise KeyError(path)
        grouping = query.get("group_by[]", [])
        if "speed" in grouping and "fast-mode" not in headers.get("anthropic-beta", ""):
            raise ValueError(part)
        return self._answer_anthropic(self.recorded["anthropic_usage_messages"], query, _group)

    def jobs(self, provider: str) -> dict[str, list[Row]]:
        """The lists of jobs of a provider, by path."""
        lists: dict[str, list[Row]] = self.recorded[f"{provider}_jobs"]
        return lists

    def _answer_jobs(self, provider: str, path: str, query: dict[str, list[str]]) -> Any:
        """A page of two jobs, after the one whose id is given."""
        rows = self.jobs(provider)[path]
        after = query.get("after" if provider == "openai" else "after_id", [""])[0]
        start = next((nth + 1 for nth, row in enumerate(rows) if row["id"] == after), 0)
        page = rows[start : start + self.page_jobs]
        has_more = start + len(page) < len(rows)
        last_id = page[-1]["id"] if page else None
        return {"object": "list", "data": page, "last_id": last_id, "has_more": has_more}

    def _answer_openai(self, path: str, query: dict[str, list[str]]) -> Any:
        kind = path.removeprefix("usage/")
        recorded = self.recorded["openai_costs"] if path == "costs" else self.recorded["openai_usage"][kind]
        first = datetime.fromtimestamp(int(query["start_time"][0]), UTC)
        last = datetime.fromtimestamp(int(query["end_time"][0]), UTC)
        by_start = {bucket["start_time"]: bucket["results"] for bucket in recorded["data"]}
        buckets = [
            {
                "object": "bucket",
                "start_time": start,
                "end_time": start + 86_400,
                "results": _group(by_start.get(start, []), query.get("group_by[]", [])),
            }
            for day in days_between(first.date(), last.date())
            if (start := unix(day)) is not None
        ]
        return {"object": "page", **self._page(buckets, query, default=7)}

    def _answer_anthropic(
        self, recorded: Any, query: dict[str, list[str]], group: Callable[[list[Row], list[str]], list[Row]]
    ) -> Any:
        first = datetime.fromisoformat(query["starting_at"][0]).date()
        ends = query.get("ending_at")
        last = datetime.fromisoformat(ends[0]).date() if ends else datetime.now(UTC).date() + DAY
        by_start = {bucket["starting_at"]: bucket["results"] for bucket in recorded["data"]}
        buckets = [
            {
                "starting_at": f"{day}T00:00:00Z",
                "ending_at": f"{day + DAY}T00:00:00Z",
                "results": group(by_start.get(f"{day}T00:00:00Z", []), query.get("group_by[]", [])),
            }
            for day in days_between(first, last)
        ]
        return self._page(buckets, query, default=7)

    def _answer_claude_code(self, query: dict[str, list[str]]) -> Any:
        start = f"{query['starting_at'][0]}T00:00:00Z"
        rows = [row for row in self.recorded["anthropic_claude_code"]["data"] if row["date"] == start]
        return self._page(rows, query, default=20)

    def _page(self, items: list[Any], query: dict[str, list[str]], default: int) -> Row:
        size = min(int(query.get("limit", [str(default)])[0]), self.page_buckets)
        start = int(query["page"][0].removeprefix("page_")) if "page" in query else 0
        more = start + size < len(items)
        following = f"page_{start + size}" if more else None
        return {"data": items[start : start + size], "has_more": more, "next_page": following}


def days_between(first: date, end: date) -> list[date]:
    """Return the days from the first up to but excluding the end."""
    return [first + DAY * nth for nth in range((end - first).days)]


def unix(day: date) -> int:
    """Return the Unix time at which a UTC day begins."""
    return int(datetime.combine(day, datetime.min.time(), UTC).timestamp())


def _group(rows: list[Row], grouping: list[str]) -> list[Row]:
    """Sum rows over the dimensions that are not grouped by, which become null."""
    groups: dict[str, Row] = {}
    for row in rows:
        kept = {
            name: value if name in (*grouping, *ALWAYS) else None
            for name, value in row.items()
            if value is None or isinstance(value, str | bool)
        }
        numbers = {name: value for name, value in row.items() if name not in kept}
        sums = groups.setdefault(json.dumps(kept), deepcopy(kept))
        for name, value in numbers.items():
            sums[name] = _add(sums.get(name), value)
    return list(groups.values())


def _describe(rows: list[Row], grouping: list[str]) -> list[Row]:
    """Return cost rows; grouping by description fills the fields parsed from it."""
    shown = [*grouping, "amount", "currency", *(ANTHROPIC_DESCRIBED if "description" in grouping else ())]
    return [{name: value if name in shown else None for name, value in row.items()} for row in rows]


def _add(first: Any, second: Any) -> Any:
    if first is None:
        return deepcopy(second)
    if isinstance(second, dict):
        return {name: _add(first.get(name), value) for name, value in second.items()}
    return second if isinstance(second, str) else round(first + second, 10)


class _Handler(BaseHTTPRequestHandler):
    fake: FakeProviders

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        provider = url.path.split("/")[1]
        path = url.path.removeprefix(BASE_PATHS.get(provider, ""))
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = parse_qs(url.query)
        self.fake.requests.append(ReceivedRequest(path, query, headers))
        fault = self.fake.pop_fault(url.path) or Fault()
        status, content = self._usual(provider, path, query, headers)
        if fault.status != 200:
            status, content = fault.status, self.fake.recorded["errors"][provider].get(str(fault.status), {})
        if fault.change:
            content = fault.change(deepcopy(content))
        is_lines = path.endswith("/results") and isinstance(content, list)
        text = "\n".join(map(json.dumps, content)) if is_lines else json.dumps(content)
        body = text.replace("{key}", KEYS.get(provider, "")).encode()
        self._send(status, body if fault.body is None else fault.body, fault)

    def _usual(
        self, provider: str, path: str, query: dict[str, list[str]], headers: Mapping[str, str]
    ) -> tuple[int, Any]:
        errors = self.fake.recorded["errors"].get(provider, {})
        sent = headers.get("x-api-key", headers.get("authorization", "").removeprefix("Bearer "))
        is_job = provider in JOB_KEYS and (
            path.endswith("/results") or path.removeprefix("/v1/").lstrip("/") in self.fake.jobs(provider)
        )
        if sent != (JOB_KEYS if is_job else KEYS).get(provider):
            return 401, errors.get("401", {})
        if provider == "anthropic" and headers.get("anthropic-version") != "2023-06-01":
            return 400, errors["400"]
        try:
            return 200, self.fake.answer(provider, path, query, headers)
        except KeyError:
            return 404, {"error": {"message": "Not found"}}
        except ValueError:
            return 400, errors["400"]

    def _send(self, status: int, body: bytes, fault: Fault) -> None:
        time.sleep(fault.delay_seconds)
        try:
            self.send_response(status)
            self.send_header("content-type", fault.content_type)
            self.send_header("content-length", str(len(body)))
            for name, value in fault.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: fault.cut_at])
        except OSError:
            pass  # the client has given up

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def serve() -> Iterator[FakeProviders]:
    """Serve the APIs until the test ends."""
    handler = type("Handler", (_Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        fake = FakeProviders(server.server_port)
        handler.fake = fake  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield fake
        server.shutdown()
        thread.join()
