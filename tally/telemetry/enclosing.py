"""The agent, the tool and the task of a call by the spans around it, where the call itself tells none.

Some instruments name them on the span of the agent or the tool alone. Of several around a call, the nearest
that tells a name counts, for each of the three; what a program says of all its calls, as a last resort.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from tally.telemetry.calls import Call
from tally.telemetry.signals import Span
from tally.telemetry.vocabularies import keys
from tally.telemetry.vocabularies.told import gather, read_name, read_name_of


class Names(NamedTuple):
    """The names that a span gives to the calls inside it; empty ones are left to the spans around it."""

    agent: str = ""
    tool: str = ""
    task: str = ""

    def or_else(self, outer: "Names") -> "Names":
        """These names, and those of what is around where there is none."""
        return Names(self.agent or outer.agent, self.tool or outer.tool, self.task or outer.task)


NO_NAMES = Names()


class Step(NamedTuple):
    """The parent of a span, empty for none, and the names that it gives."""

    parent: str
    names: Names


SpanKey = tuple[str, str]  # trace and span
ENTITY = "traceloop.entity.name"
OBSERVATION = "langfuse.observation.type"
NAMING = frozenset({*keys.AGENT, *keys.TOOL, *keys.TASK, *keys.KIND})


def name_step(span: Span) -> Names:
    """The names that a span gives; instruments that tell its kind alone give them as names of the span."""
    attributes = span.attributes
    if NAMING.isdisjoint(attributes):
        return NO_NAMES
    told = gather(attributes)
    agent, tool, task = (read_name_of(field, told.get(field)) for field in Names._fields)
    kind = str(told.get("kind", "")).lower()
    entity = read_name(attributes.get(ENTITY))
    if kind == "tool":
        tool = tool or entity or read_name(span.name)
    elif kind == "agent":
        agent = agent or entity or (read_name(span.name) if OBSERVATION in attributes else "")
    return Names(agent, tool, task)


def names_of_steps(spans: Iterable[Span]) -> dict[str, Names]:
    """The names that spans give, by their ids."""
    named = ((span.span_id, name_step(span)) for span in spans)
    return merge_names({}, ((span_id, names) for span_id, names in named if names != NO_NAMES))


def merge_names(known: Mapping[str, Names], more: Iterable[tuple[str, Names]]) -> dict[str, Names]:
    """Names by span; where a span was told to have several, one that does not depend on their order."""
    merged = dict(known)
    for span_id, names in more:
        before = merged.get(span_id)
        merged[span_id] = names if before is None else Names(*map(max, before, names))
    return merged


def labels_of(call: Call) -> Names:
    """The names that a call has."""
    return Names(call.agent, call.tool, call.task)


def own_labels(call: Call) -> Names:
    """The names that a call itself tells, without those of its program."""
    labels = labels_of(call)
    return labels._replace(**dict.fromkeys(call.of_program, "")) if call.of_program else labels


class Enclosing:
    """The surroundings of calls: parents of spans, none its own ancestor, and the names that they give."""

    def __init__(self, parents: Mapping[str, str], names: Mapping[str, Names]) -> None:
        self._parents, self._names = parents, names
        self._known: dict[str, Names] = {"": NO_NAMES}  # by span: its names, and those around it

    def complete(self, call: Call, statements: Sequence[Call]) -> Call:
        """The call with the names that spans around its statements give, the best statement first."""
        # Other calls are the same event by what they say, and must not say anything else.
        if not (self._names or call.of_program) or not (call.request_ids or call.span_id):
            return call
        names, known = NO_NAMES, labels_of(call)
        for each in statements:
            names = names.or_else(own_labels(each))
        for each in statements:
            outer = self._parents.get(each.span_id, "") if each.span_id else each.parent_span_id
            names = names.or_else(self._find(outer))
        names = names.or_else(known)
        return call if names == known else replace(call, **names._asdict())

    def _find(self, span_id: str) -> Names:
        path = []
        while span_id not in self._known:
            path.append(span_id)
            span_id = self._parents.get(span_id, "")
        found = self._known[span_id]
        for inner in reversed(path):
            found = self._known[inner] = self._names.get(inner, NO_NAMES).or_else(found)
        return found
