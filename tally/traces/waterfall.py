"""A trace as a waterfall: its spans as a tree, with what each costs together with all inside it.

Traces come incomplete: parents are missing, spans name themselves or each other as parents. Each span is
shown once, all the same. The rules are those of the sums in the database.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from tally.traces.stored_span import StoredSpan


@dataclass(slots=True)
class Node:
    """A span in its tree; sums include the span itself and count each call once."""

    span: StoredSpan
    depth: int
    offset_us: int  # from the start of the trace
    parent: int | None  # its place among the nodes
    retry_of: str = ""  # the failed span before it, which it repeats
    is_retried: bool = False  # failed, and repeated
    is_detached: bool = False  # names a parent that is missing, or that is inside it
    is_counted: bool = False  # a call, and no other one tells of it
    calls: int = 0
    unpriced: int = 0  # calls with tokens but without a price
    tokens: int = 0
    cost_usd: Decimal | None = None  # None: nothing in it has a price


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The spans of a trace from top to bottom, parents before children, siblings by their start."""

    nodes: Sequence[Node]
    first_at: datetime
    duration_us: int

    @property
    def roots(self) -> list[Node]:
        """The nodes at the top."""
        return [node for node in self.nodes if node.parent is None]

    @property
    def errors(self) -> int:
        """The number of failed spans."""
        return sum(node.span.status != "ok" for node in self.nodes)

    @property
    def retries(self) -> int:
        """The number of spans that repeat a failed one."""
        return sum(bool(node.retry_of) for node in self.nodes)

    @property
    def counted(self) -> list[StoredSpan]:
        """The calls that the sums consist of."""
        return [node.span for node in self.nodes if node.is_counted]

    def sum_models(self) -> dict[str, Decimal]:
        """The cost of each model with a price, which add up to that of the trace."""
        costs: dict[str, Decimal] = defaultdict(Decimal)
        for span in self.counted:
            if span.cost_usd is not None:
                costs[span.model] += span.cost_usd
        return costs


def build_waterfall(spans: Iterable[StoredSpan]) -> Waterfall:
    """The waterfall of a trace's spans, in any order; raises ValueError without spans.

    Of several statements with one id the longest counts.
    """
    known = _index(spans)
    if not known:
        raise ValueError("A trace has at least one span.")
    first_at = min(span.started_at for span in known.values())
    last_at = max(span.ended_at for span in known.values())
    nodes = _arrange(known, first_at)
    _mark_retries(nodes)
    _sum_up(nodes, find_counted(known.values()))
    return Waterfall(nodes, first_at, (last_at - first_at) // timedelta(microseconds=1))


def find_counted(spans: Iterable[StoredSpan]) -> set[str]:
    """The ids of the calls that count.

    A call around another one repeats it, unless both have ids of their provider; of calls with the same id
    the one with most tokens counts.
    """
    known = {span.span_id: span for span in spans}
    around_all = _find_ancestors(known, [span for span in known.values() if span.is_call])
    nameless = [span for span in known.values() if span.is_call and not span.request_id]
    around_nameless = _find_ancestors(known, nameless)
    best: dict[str, StoredSpan] = {}
    for span in known.values():
        if not span.is_call or span.span_id in (around_nameless if span.request_id else around_all):
            continue
        key = f"request {span.request_id}" if span.request_id else span.span_id
        if key not in best or _rank(span) < _rank(best[key]):
            best[key] = span
    return {span.span_id for span in best.values()}


def _rank(span: StoredSpan) -> tuple[int, bool, Decimal, str]:
    return -span.tokens, span.cost_usd is None, -(span.cost_usd or Decimal(0)), span.span_id


def _find_ancestors(known: Mapping[str, StoredSpan], below: Iterable[StoredSpan]) -> set[str]:
    found: set[str] = set()
    for span in below:
        parent = _parent_of(span)
        while parent and parent not in found:
            found.add(parent)
            above = known.get(parent)
            parent = _parent_of(above) if above else ""
    return found


def _parent_of(span: StoredSpan) -> str:
    return "" if span.parent_span_id == span.span_id else span.parent_span_id


def _index(spans: Iterable[StoredSpan]) -> dict[str, StoredSpan]:
    """The spans by id, earliest first."""
    found: dict[str, StoredSpan] = {}
    for span in spans:
        present = found.get(span.span_id)
        if present is None or _preference(span) > _preference(present):
            found[span.span_id] = span
    return {span.span_id: span for span in sorted(found.values(), key=_order)}


def _preference(span: StoredSpan) -> tuple[int, bool, int, str]:
    return span.duration_us, span.is_call, span.tokens, repr(span)


def _order(span: StoredSpan) -> tuple[datetime, str]:
    return span.started_at, span.span_id


def _arrange(known: Mapping[str, StoredSpan], first_at: datetime) -> list[Node]:
    children: dict[str, list[StoredSpan]] = defaultdict(list)
    tops = []
    for span in known.values():
        parent = _parent_of(span)
        if parent in known:
            children[parent].append(span)
        else:
            tops.append(span)
    nodes: list[Node] = []
    placed: set[str] = set()
    # After the tops, what no top leads to is in a circle: its earliest span becomes a top.
    for top in (*tops, *known.values()):
        waiting: list[tuple[StoredSpan, int, int | None]] = [(top, 0, None)]
        while waiting:
            span, depth, parent_place = waiting.pop()
            if span.span_id in placed:
                continue
            placed.add(span.span_id)
            offset = (span.started_at - first_at) // timedelta(microseconds=1)
            node = Node(span, depth, offset, parent_place)
            node.is_detached = parent_place is None and _parent_of(span) != ""
            nodes.append(node)
            place = len(nodes) - 1
            waiting += [(child, depth + 1, place) for child in reversed(children[span.span_id])]
    return nodes


def _mark_retries(nodes: Sequence[Node]) -> None:
    """Link each span with the failed sibling of the same kind and name right before it."""
    before: dict[tuple[str, str, str], Node] = {}
    for node in sorted(nodes, key=lambda one: _order(one.span)):
        span = node.span
        key = (_parent_of(span), span.kind, span.name)
        last = before.get(key)
        if last is not None and last.span.status != "ok":
            node.retry_of = last.span.span_id
            last.is_retried = True
        before[key] = node


def _sum_up(nodes: Sequence[Node], counted: set[str]) -> None:
    """Add each node to its parent, from the bottom up."""
    for node in reversed(nodes):
        span = node.span
        if span.span_id in counted:
            node.is_counted = True
            node.calls += 1
            node.unpriced += span.cost_usd is None and span.tokens > 0
            node.tokens += span.tokens
            node.cost_usd = add_costs(node.cost_usd, span.cost_usd)
        if node.parent is not None:
            above = nodes[node.parent]
            above.calls += node.calls
            above.unpriced += node.unpriced
            above.tokens += node.tokens
            above.cost_usd = add_costs(above.cost_usd, node.cost_usd)


def add_costs(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """The sum of two costs; None is unknown, and so is the sum if both are."""
    return other if one is None else one if other is None else one + other
