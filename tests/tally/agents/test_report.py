"""Report by day and model: the costs of token classes add up to the cost."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from tally.agents.daily_usage import sum_by_day
from tally.agents.events import Event
from tally.agents.payment import Payment
from tally.agents.prices import price_event
from tally.agents.registry import find_agent, find_logs
from tally.agents.report import ReportRequest, make_report
from tally.agents.routes import Destination, Routes
from tests.tally.agents.homes import claude_row, write_claude
from tests.tally.agents.test_other_agents import opencode_message, write_opencode

MILLION = Decimal(1_000_000)
NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)


def pop_costs(row: dict[str, Any]) -> dict[str, Decimal | None]:
    """Remove a row's amounts and return them."""
    names = [name for name in row if name.endswith("_usd")]
    return {name: None if (usd := row.pop(name)) is None else Decimal(usd) for name in names}


def costs_in(home: Path, agent_name: str) -> list[dict[str, Decimal | None]]:
    """Return the amounts of each day and model."""
    request = ReportRequest(
        [find_agent(agent_name)], find_logs(home, {}), "UTC", None, {agent_name: Payment("api")}
    )
    (source,) = make_report(request, lambda *_: None)["sources"]
    return [pop_costs(row) for row in source["days"]]


def test_costs_of_token_classes_add_up_to_the_cost(tmp_path: Path) -> None:
    usage = {
        "cache_read_input_tokens": 7_001,
        "cache_creation_input_tokens": 340,
        "cache_creation": {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 40},
        "server_tool_use": {"web_search_requests": 3},
    }
    write_claude(tmp_path, claude_row(usage=usage), claude_row("msg_2", "req_2", usage=usage))

    (costs,) = costs_in(tmp_path, "claude-code")

    by_class = {
        "uncached_input_usd": 2 * 10 * Decimal(3) / MILLION,
        "cached_input_usd": 2 * 7_001 * Decimal("0.3") / MILLION,
        "cache_write_5m_usd": 2 * 300 * Decimal("3.75") / MILLION,
        "cache_write_1h_usd": 2 * 40 * Decimal(6) / MILLION,
        "output_usd": 2 * 100 * Decimal(15) / MILLION,
        "web_search_usd": Decimal("0.06"),
        "other_usd": Decimal(0),
    }
    assert costs == {"cost_usd": sum(by_class.values())} | by_class


def test_model_without_price_has_no_cost_in_any_class(tmp_path: Path) -> None:
    write_claude(tmp_path, claude_row(model="claude-nova-9"))

    (costs,) = costs_in(tmp_path, "claude-code")

    assert set(costs.values()) == {None}


def test_logged_cost_is_reported_as_other(tmp_path: Path) -> None:
    write_opencode(tmp_path, opencode_message(cost=0.25))

    (costs,) = costs_in(tmp_path, "opencode")

    assert costs == dict.fromkeys(costs, 0) | {"cost_usd": Decimal("0.25"), "other_usd": Decimal("0.25")}


# No price, none of web searches, one that rises with the context, and one with a faster variant.
MODELS = [
    ("anthropic", "claude-nova-9"),
    ("openai", "gpt-4"),
    ("anthropic", "claude-sonnet-4-5"),
    ("anthropic", "claude-opus-4-6"),
]
REQUESTS = st.builds(
    lambda model, **values: Event(vendor=model[0], model=model[1], **values),
    model=st.sampled_from(MODELS),
    name=st.just("m"),
    timestamp=st.sampled_from([NOON, NOON + timedelta(days=200)]),
    input_tokens=st.sampled_from([0, 90, 300_000]),
    output_tokens=st.sampled_from([0, 7]),
    cached_input_tokens=st.sampled_from([0, 11, 100]),
    cache_write_tokens=st.sampled_from([0, 13]),
    web_searches=st.sampled_from([0, 0, 2]),
    context=st.sampled_from([None, ("speed", "fast")]),
    logged_usd=st.sampled_from(["", "", "0.125"]),
)


@given(events=st.lists(REQUESTS, max_size=8))
def test_sums_cost_what_their_requests_do(events: list[Event]) -> None:
    usd: dict[tuple[date, str], Decimal] = defaultdict(Decimal)
    unpriced: Counter[tuple[date, str]] = Counter()
    for event in events:
        day = (event.timestamp.date(), event.model)
        cost_usd = price_event(event).cost_usd
        usd[day] += cost_usd or 0
        unpriced[day] += cost_usd is None
    days = sum_by_day(events, ZoneInfo("UTC"), Routes(Destination("")))
    assert {group[:2]: sum(usage.usd_by_class.values()) for group, usage in days.items()} == usd
    assert {group[:2]: usage.totals.unpriced_records for group, usage in days.items()} == unpriced
