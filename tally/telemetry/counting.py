"""The choice of what counts among many statements about the same calls.

- Statements with an id of the provider's in common are about one call, and so are those with the same span or
  the same event: requests are sent again after failures. The statement that tells most counts.
- Of calls inside each other, the innermost counts: the others repeat it. Two responses of one provider with
  different ids are two calls, wherever they are. One inside that tells no id takes that of a call around it
  that nothing else repeats: other sources know the call by it.
- A call that names no agent, tool or task takes those of the spans around it.
- A call that tells no usage is a request without tokens, unless one around it or inside it tells more.

The choice depends on the set of statements alone, not on their order or on how requests split them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from uuid import UUID

from tally.core.records import identity, request_identity
from tally.telemetry.calls import Call, trace_of_session
from tally.telemetry.enclosing import NO_NAMES, Enclosing, Names, merge_names, own_labels
from tally.telemetry.signals import Span
from tally.telemetry.vocabularies.reading import sort_ids

# Facts that a statement which counts takes from others about the same call.
SHARED = (
    *("duration_ms", "first_token_ms", "agent", "session", "channel", "service", "person", "project"),
    *(
        "end_user",
        "operation",
        "tool",
        "task",
        "branch",
        "repository",
        "environment",
        "container",
        "prompt_name",
    ),
    *("prompt_version", "region", "service_tier", "speed", "plan", "key_name", "reported_usd"),
)


SUMMED_AGENTS = frozenset({"claude-code"})  # whose metrics sum up their calls


class Choice(NamedTuple):
    """The calls that count, each as the statement that tells most, and the statements that do not.

    `statements` are those about each call that counts, the one that tells most first.
    """

    counted: list[Call]
    dropped: list[Call]
    statements: list[list[Call]]


def parents_of(spans: Iterable[Span]) -> dict[str, str]:
    """The parent of each span that has one."""
    return {span.span_id: span.parent_span_id for span in spans if span.parent_span_id}


def choose_calls(
    calls: Iterable[Call], parents: Mapping[str, str], names: Mapping[str, Names] | None = None
) -> Choice:
    """Choose among statements; `parents` and `names` are of all spans, also of such that are no calls."""
    statements, dropped = _without_told_sums(sorted(calls, key=_rank, reverse=True), parents)
    groups = _group(statements)
    parents = _without_circles(parents, statements)
    around = Enclosing(parents, _add_own_names(statements, names or {}))
    told_by = _find_told(groups, parents)
    repeated = _leave_one(told_by)
    lent = _lend_ids(groups, told_by, repeated)
    counted = []
    for place, group in enumerate(groups):
        if place in repeated:
            dropped += group
        else:
            call = _merge(group)
            call = replace(call, request_ids=lent[place]) if place in lent else call
            counted.append((around.complete(call, group), group))
            dropped += group[1:]
    counted.sort(key=lambda one: (one[0].timestamp, str(key_of(one[0]))))
    return Choice([call for call, _ in counted], dropped, [group for _, group in counted])


def mark_sessions(calls: Iterable[Call]) -> dict[str, str]:
    """Marks of the sessions whose calls are told one by one, to be kept among the parents of spans."""
    traces = {
        trace_of_session(call.agent, call.session)
        for call in calls
        if call.agent in SUMMED_AGENTS and call.session and not call.is_sum
    }
    return {trace: trace for trace in sorted(traces)}


def _add_own_names(statements: Iterable[Call], names: Mapping[str, Names]) -> Mapping[str, Names]:
    """The names of spans with those of spans that are calls, which others may be inside of."""
    own = ((call.span_id, own_labels(call)) for call in statements if call.span_id)
    more = [(span_id, names) for span_id, names in own if names != NO_NAMES]
    return merge_names(names, more) if more else names


def _without_told_sums(
    statements: Sequence[Call], parents: Mapping[str, str]
) -> tuple[Sequence[Call], list[Call]]:
    """The statements but for sums of sessions whose calls are told one by one, and these sums."""
    if not any(call.is_sum for call in statements):
        return statements, []
    marks = mark_sessions(statements)
    told: list[Call] = []
    others: list[Call] = []
    for call in statements:
        is_told = call.is_sum and (call.trace_id in marks or call.trace_id in parents)
        (told if is_told else others).append(call)
    return others, told


def key_of(call: Call) -> UUID:
    """The identity of the event: by the provider's id, by its span, or by what it says."""
    if call.request_ids:
        first = call.request_ids[0]
        # A request without usage must not stand for one with usage that another source knows by this id.
        return request_identity(first) if call.has_usage else identity("otlp", "request", first)
    if call.span_id:
        return identity("otlp", call.trace_id, call.span_id)
    counts = (
        *(call.input_tokens, call.output_tokens, call.cached_input_tokens),
        *(call.cache_write_tokens, call.reasoning_tokens),
    )
    source = call.channel or call.agent or call.service
    return identity("otlp", source, call.session, call.timestamp, call.model, call.error_code, *counts)


def _rank(call: Call) -> tuple[Any, ...]:
    """The sort key among statements about one call; the last parts only make the order certain."""
    return (
        call.has_usage,
        call.has_all_classes,
        call.has_cache_detail,
        call.reported_usd is not None,
        call.status == "ok",
        call.detail,
        call.tokens,
        call.trace_id,
        call.span_id,
        call.timestamp,
        call.request_ids,
        *(call.model, call.session, call.agent, call.service, call.project, call.person, call.error_code),
        sorted(call.tags.items()),
    )


def _group(statements: Sequence[Call]) -> list[list[Call]]:
    """Statements by call, in their order."""
    roots = list(range(len(statements)))

    def find(place: int) -> int:
        while roots[place] != place:
            roots[place] = roots[roots[place]]
            place = roots[place]
        return place

    first: dict[object, int] = {}
    for place, call in enumerate(statements):
        for name in _names(call):
            known, own = find(first.setdefault(name, place)), find(place)
            roots[max(known, own)] = min(known, own)
    groups: dict[int, list[Call]] = defaultdict(list)
    for place, call in enumerate(statements):
        groups[find(place)].append(call)
    return list(groups.values())


def _names(call: Call) -> Iterable[object]:
    """The names that statements about one call have in common."""
    yield from call.request_ids
    if call.span_id:
        yield call.trace_id, call.span_id
    elif not call.request_ids:
        yield key_of(call)


def _merge(group: Sequence[Call]) -> Call:
    """The statement that tells most, with what only others tell."""
    best = group[0]
    if len(group) == 1:
        return best
    changes: dict[str, Any] = {
        "request_ids": sort_ids({each for call in group for each in call.request_ids}),
        "tags": {name: value for call in reversed(group) for name, value in call.tags.items()},
    }
    if not best.model and (named := next((call for call in group if call.model), None)):
        changes |= {"model": named.model, "provider": named.provider}
    for name in SHARED:
        if not getattr(best, name):
            told = (getattr(call, name) for call in group)
            changes[name] = next(filter(None, told), getattr(best, name))
    if not best.span_id:
        of_span = next((call for call in group if call.span_id), best)
        changes |= {name: getattr(of_span, name) for name in ("trace_id", "span_id", "parent_span_id")}
    return replace(best, **changes)


@dataclass(slots=True)
class _Node:
    """A statement in the tree of calls inside each other."""

    group: int
    has_usage: bool  # of any statement about its call
    outer: "_Node | None" = None  # the nearest one around it that is about another call
    outer_with_usage: "_Node | None" = None


def _lend_ids(
    groups: Sequence[Sequence[Call]], told_by: Mapping[int, set[int]], repeated: set[int]
) -> dict[int, tuple[str, ...]]:
    """The ids of calls around one without an id that is the same call: it alone tells as many tokens."""
    lent: dict[int, set[str]] = defaultdict(set)
    for place in repeated:
        ids = {each for call in groups[place] for each in call.request_ids}
        if not ids:
            continue
        counted = _reach(place, told_by, set()) - repeated
        inner = counted.pop() if len(counted) == 1 else place
        best, around = groups[inner][0], groups[place][0]
        is_named = any(call.request_ids for call in groups[inner])
        if not is_named and _tokens_written(best) == _tokens_written(around) != 0:
            lent[inner] |= ids
    return {place: sort_ids(ids) for place, ids in lent.items()}


def _tokens_written(call: Call) -> int:
    """The output, which all instruments count alike; not all count what was read from a cache."""
    return call.output_tokens if call.has_usage else 0


def _find_told(groups: Sequence[Sequence[Call]], parents: Mapping[str, str]) -> dict[int, set[int]]:
    """The groups that others inside them, or around them, tell better: by which ones."""
    told_by: dict[int, set[int]] = defaultdict(set)
    for node in _build_tree(groups, parents):
        call = groups[node.group][0]
        if node.outer is not None and not node.outer.has_usage:
            told_by[node.outer.group].add(node.group)
        elif node.outer is not None and not node.has_usage and call.status == "ok":
            told_by[node.group].add(node.outer.group)
        around = node.outer_with_usage
        if node.has_usage and around is not None and not _are_distinct(call, groups[around.group][0]):
            told_by[around.group].add(node.group)
    return told_by


def _leave_one(told_by: Mapping[int, set[int]]) -> set[int]:
    """The groups that a counted one tells; where all tell each other, the best of them counts."""
    tells: dict[int, set[int]] = defaultdict(set)
    for repeated, better in told_by.items():
        for each in better:
            tells[each].add(repeated)
    found: set[int] = set()
    counted = [each for each in tells if each not in told_by]
    for best in (*counted, *sorted(told_by)):
        if best in found:
            continue
        found |= _reach(best, tells, found) - {best}
    return found


def _reach(best: int, tells: Mapping[int, set[int]], found: set[int]) -> set[int]:
    """The groups that this one tells, and that those tell."""
    reached, waiting = {best}, [best]
    while waiting:
        more = tells.get(waiting.pop(), set()) - reached - found
        reached |= more
        waiting += more
    return reached


def _are_distinct(call: Call, other: Call) -> bool:
    """Check whether both have ids of one provider's responses, and none in common."""
    kinds = [
        {each.partition(separator)[0] for each in of.request_ids for separator in "-_" if separator in each}
        for of in (call, other)
    ]
    return bool(kinds[0] & kinds[1]) and not set(call.request_ids) & set(other.request_ids)


def _build_tree(groups: Sequence[Sequence[Call]], parents: Mapping[str, str]) -> list[_Node]:
    """The statements with what is around them."""
    has_usage = [any(call.has_usage for call in group) for group in groups]
    placed = [(call, _Node(place, has_usage[place])) for place, group in enumerate(groups) for call in group]
    by_span = {(call.trace_id, call.span_id): node for call, node in placed if call.span_id}
    around = _Around(by_span, parents)
    enclosing = {id(node): around.find(call) for call, node in placed}
    done: set[int] = set()
    for _, node in placed:
        chain: list[_Node] = []
        inner: _Node | None = node
        while inner is not None and id(inner) not in done:
            done.add(id(inner))
            chain.append(inner)
            inner = enclosing[id(inner)]
        for each in reversed(chain):  # outer ones first
            _link(each, enclosing[id(each)])
    return [node for _, node in placed]


def _link(node: _Node, outer: _Node | None) -> None:
    """Set what is around a statement, from what is around the nearest one."""
    if outer is None:
        return
    if outer.group == node.group:
        node.outer, node.outer_with_usage = outer.outer, outer.outer_with_usage
        return
    with_usage = outer if outer.has_usage else outer.outer_with_usage
    if with_usage is not None and with_usage.group == node.group:
        with_usage = with_usage.outer_with_usage
    node.outer, node.outer_with_usage = outer, with_usage


class _Around:
    """The nearest statement around a span, through spans that are none."""

    def __init__(self, by_span: Mapping[tuple[str, str], _Node], parents: Mapping[str, str]) -> None:
        self._by_span, self._parents = by_span, parents
        self._known: dict[tuple[str, str], _Node | None] = {}

    def find(self, call: Call) -> _Node | None:
        """The nearest statement around a call."""
        span_id = self._parents.get(call.span_id, "") if call.span_id else call.parent_span_id
        passed: list[tuple[str, str]] = []
        found: _Node | None = None
        while span_id:
            key = (call.trace_id, span_id)
            if (found := self._by_span.get(key)) is not None:
                break
            if key in self._known:
                found = self._known[key]
                break
            passed.append(key)
            span_id = self._parents.get(span_id, "")
        self._known |= dict.fromkeys(passed, found)
        return found


def _without_circles(parents: Mapping[str, str], calls: Iterable[Call]) -> dict[str, str]:
    """The parents of spans, without those of spans that are their own ancestors."""
    known = {call.span_id: call.parent_span_id for call in calls if call.span_id and call.parent_span_id}
    known |= parents
    done: set[str] = set()
    for first in list(known):
        path: dict[str, int] = {}
        span_id = first
        while span_id in known and span_id not in done and span_id not in path:
            path[span_id] = len(path)
            span_id = known[span_id]
        if span_id in path:
            for inside in list(path)[path[span_id] :]:
                del known[inside]
        done.update(path)
    return known
