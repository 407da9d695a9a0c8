"""Requests found in logs, and the choice of one statement among several about the same request."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from tally.core.text import plural

Item = TypeVar("Item")
MAX_REASONS = 200  # stored per file; the counts are always complete


class LineRejected(Exception):
    """A line about usage that cannot be counted; the text is the reason."""


class UnknownShape(LineRejected):
    """A line that has counts of tokens in a shape that no reader knows."""

    def __init__(self) -> None:
        super().__init__("its shape is unknown")


class Event(NamedTuple):
    """One statement about one request; `name` identifies the request within its agent.

    Input includes cached tokens, output includes reasoning. A tuple, because tens of thousands of them are
    sent between processes.
    """

    name: str
    timestamp: datetime
    vendor: str  # slug of the provider that is paid where no plan covers it
    model: str
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0
    web_searches: int = 0
    context: tuple[str, str] | None = None  # price condition, such as ("speed", "fast")
    session: str = ""
    folder: str = ""  # the path that the agent worked in; only its last part is ever sent
    request_id: str = ""  # the provider's id
    attempt: str = ""  # distinguishes two requests that share a name
    is_sidechain: bool = False
    logged_usd: str = ""  # cost according to the agent itself
    branch: str = ""
    repository: str = ""  # owner/name, or the last part of a path
    account: str = ""  # id of the plan's account
    inference_geo: str = ""  # where the provider had to process it
    requests: int = 1  # 0 for a fee beside its request
    is_sum: bool = False  # of requests that no source splits: how long their contexts were is unknown
    aliases: tuple[str, ...] = ()  # names that other statements about the same request share
    other_ids: tuple[
        str, ...
    ] = ()  # the provider's further ids of the request, by which telemetry may know it

    @property
    def tokens(self) -> int:
        """All tokens, in and out."""
        return self.input_tokens + self.output_tokens

    @property
    def rank(self) -> tuple[bool, int, int, bool]:
        """Sort key among statements about one request: the largest is effective."""
        return (not self.is_sidechain, self.tokens, self.output_tokens, self.context is not None)


class Tokens(NamedTuple):
    """Counts as `Event` has them: input includes cached tokens, output includes reasoning."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int


@dataclass(slots=True)
class ParsedPart:
    """Requests, rejected lines and carried state of one part of a log."""

    events: list[Event] = field(default_factory=list)
    rejected: int = 0
    reasons: list[str] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)
    unknown: int = 0  # lines with counts of tokens in an unknown shape

    def read(self, items: Iterable[Item], read_item: Callable[[Item], Event | None]) -> None:
        """Add the requests that are read from lines or rows, and count what is rejected."""
        for item in items:
            try:
                if event := read_item(item):
                    self.events.append(event)
            except LineRejected as reason:
                self.reject(reason)

    def reject(self, reason: LineRejected | str) -> None:
        """Count a line about usage that cannot be read."""
        if isinstance(reason, UnknownShape):
            self.unknown += 1
            return
        self.rejected += 1
        if len(self.reasons) < MAX_REASONS:
            self.reasons.append(str(reason))


def describe_unknown(lines: int) -> str:
    """Return the notice about lines that no reader knows."""
    return f"{plural(lines, 'line')} of a shape that Tally does not know"


class KnownRequest(NamedTuple):
    """A request that was collected before, with the rank of its effective statement."""

    name: str
    attempt: str
    rank: tuple[bool, int, int, bool]


class KnownRequests:
    """Requests of one agent that were collected before, by the name their log gives them."""

    def __init__(self, by_name: Mapping[str, list[KnownRequest]]) -> None:
        self._by_name = by_name

    def named(self, name: str) -> list[KnownRequest]:
        """Requests with this name, in the order they were collected."""
        return self._by_name.get(name, [])


def select_first(events: Iterable[Event], known: KnownRequests) -> list[Event]:
    """Keep the first statement of each request that is not known yet."""
    winners: dict[str, Event] = {}
    for event in events:
        if event.name not in winners and not known.named(event.name):
            winners[event.name] = event
    return list(winners.values())


def select_originals(events: Iterable[Event], known: KnownRequests) -> list[Event]:
    """Keep the last statement of each request, and of those that share an alias only one name's.

    It is the name that is known, else the first one.
    """
    by_name = {event.name: event for event in events}
    owners: dict[str, str] = {}
    for event in sorted(by_name.values(), key=lambda event: not known.named(event.name)):
        for alias in event.aliases:
            owner = next((request.name for request in known.named(alias)), event.name)
            owners.setdefault(alias, owner)
    originals = (
        event for event in by_name.values() if all(owners[alias] == event.name for alias in event.aliases)
    )
    return select_last(originals, known)


def select_last(events: Iterable[Event], known: KnownRequests) -> list[Event]:
    """Keep the last statement of each request, unless it repeats what is known."""
    winners = {event.name: event for event in events}
    return [
        event
        for event in winners.values()
        if event.rank not in {request.rank for request in known.named(event.name)}
    ]
