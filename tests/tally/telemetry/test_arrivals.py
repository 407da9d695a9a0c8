"""The same records, however what was captured arrives, and whoever tells it besides."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tally.core.records import CostRecord
from tally.telemetry.calls import Call
from tally.telemetry.records import make_record
from tests.database_fixtures import Connection, Project, add_user
from tests.tally.telemetry import captures
from tests.tally.telemetry.arrivals import SUBAGENT, TOOL, add_gateway, add_instrument, arrange, is_traced
from tests.tally.telemetry.captures import Request
from tests.tally.telemetry.senders import Sender, add_key

# Each takes 0.05 s, and has one or two of the captures.
PURE_EXAMPLES, SAVED_EXAMPLES = 60, 8


class Arrival(NamedTuple):
    """Captures of one program or several, who tells their calls besides, and the chance of their arrival."""

    names: tuple[str, ...]
    has_instrument: bool
    has_gateway: bool
    seed: int

    def requests(self) -> list[Request]:
        """All requests, as they were sent first."""
        found: list[Request] = []
        for name in self.names:
            found += captures.load(name)
            calls = counted(name)
            found += add_instrument(calls) if self.has_instrument else []
            found += add_gateway(calls) if self.has_gateway else []
        return found

    def arranged(self) -> list[Request]:
        """The requests as they arrive."""
        return list(arrange(self.requests(), random.Random(self.seed)))

    def served(self) -> Counter[tuple[Any, ...]]:
        """The calls as they were worked out by hand."""
        calls = [call for name in self.names for call in captures.expected(name)["calls"]]
        return Counter(facts_of(call) for call in calls)


ARRIVALS = st.builds(
    Arrival,
    st.lists(st.sampled_from(captures.NAMES), min_size=1, max_size=2, unique=True).map(tuple),
    st.booleans(),
    st.booleans(),
    st.integers(0, 2**32),
)


@cache
def counted(name: str) -> list[Call]:
    return captures.choose(captures.load(name)).counted


def facts_of(call: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(call[key] for key in captures.FACTS)


def records(requests: list[Request]) -> list[CostRecord]:
    return [make_record(call) for call in captures.choose(requests).counted]


@settings(max_examples=PURE_EXAMPLES, deadline=None)
@given(ARRIVALS)
def test_arrival_makes_no_difference_to_the_records(arrival: Arrival) -> None:
    arranged = arrival.arranged()
    assert records(arranged) == records(arrival.requests())
    found = Counter(facts_of(captures.describe(call)) for call in captures.choose(arranged).counted)
    assert found == arrival.served()


@settings(max_examples=PURE_EXAMPLES // 4, deadline=None)
@given(ARRIVALS.filter(lambda arrival: arrival.has_instrument))
def test_tool_around_a_call_is_its_tool_however_they_arrive(arrival: Arrival) -> None:
    found = captures.choose(arrival.arranged()).counted
    inside = [call for name in arrival.names for call in counted(name) if is_traced(call)]
    assert Counter((call.agent, call.tool) for call in found if call.tool) == Counter(
        {(SUBAGENT, TOOL): len(inside)} if inside else {}
    )


@pytest.fixture
def open_sender(project: Project, database: Connection) -> Iterator[Callable[[], Sender]]:
    """Programs, each of a new user."""
    with project.connect("tally_api") as connection:
        yield lambda: Sender(connection, database, add_key(database, add_user(database)))


@settings(
    max_examples=SAVED_EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(ARRIVALS)
def test_arrival_makes_no_difference_to_what_is_saved(
    open_sender: Callable[[], Sender], arrival: Arrival
) -> None:
    sender, chance = open_sender(), random.Random(arrival.seed)
    waiting = arrival.arranged()
    while waiting:
        at_once = chance.randint(1, 3)
        sender.send(*waiting[:at_once])
        del waiting[:at_once]
    assert Counter(map(tuple, sender.records())) == sent_at_once(open_sender(), arrival)


def sent_at_once(sender: Sender, arrival: Arrival) -> Counter[tuple[Any, ...]]:
    """The records of somebody whose programs send everything once."""
    sender.send(*arrival.requests())
    found = Counter(map(tuple, sender.records()))
    assert sum(found.values()) == sum(arrival.served().values())
    return found
