"""Performance of models as texts, differences and courses."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from app.figures.model_performance import (
    ask_for,
    describe_cost,
    describe_difference,
    describe_latency,
    describe_rate,
    explain_too_few,
    follow,
    list_measures,
    list_moments,
    name_models,
    wall_time,
)
from app.formats.text import DASH
from tally.traces.performance import Figures
from tests.every_case import every_case

BERLIN = ZoneInfo("Europe/Berlin")


def local(*parts: int) -> datetime:
    """A time on the clocks of Berlin."""
    return wall_time(datetime(*parts, tzinfo=BERLIN), BERLIN)  # type: ignore[arg-type, misc]


def figures(**changes: Any) -> Figures:
    """What a model did."""
    given: dict[str, Any] = {
        "provider": "openai",
        "model_name": "gpt-5",
        "requests": 200,
        "errors": 1,
        "timeouts": 0,
        "rate_limited": 1,
        "retries": 0,
        "timed": 198,
        "percentiles": [10, 20, 30, 40, 50, 60, 70],
        "first_tokens": 0,
        "first_token_ms": None,
        "tokens_per_second": 20.0,
        "tokens": 400,
        "cost_usd": Decimal("0.2"),
        "priced": 200,
        "unpriced": 0,
    }
    return Figures(**given | changes)


@every_case([(0, DASH, DASH), (19, "too few", "too few"), (20, "60 ms", "too few"), (100, "60 ms", "70 ms")])
def test_rare_percentiles_need_enough_requests(timed: int, p95: str, p99: str) -> None:
    found = figures(timed=timed, percentiles=figures().percentiles if timed else None)
    assert (describe_latency(found, 95), describe_latency(found, 99)) == (p95, p99)
    assert ("p95 needs 20" in explain_too_few([found])) == (p95 == "too few")
    assert ("p99 needs 100" in explain_too_few([found])) == (p99 == "too few")


@every_case(
    [
        (0, 200, "0%"),
        (1, 100_000, "<0.01%"),
        (142, 10_000, "1.42%"),
        (10, 10, "100.00%"),
        (0, 1, "0 of 1"),
        (1, 9, "1 of 9"),
    ]
)
def test_small_error_rates_are_not_zero_and_few_requests_no_rate(
    failed: int, requests: int, text: str
) -> None:
    assert describe_rate(figures(errors=failed, rate_limited=0, requests=requests)) == text


def test_names_show_nothing_hidden_and_lose_no_model() -> None:
    names = ("gpt-5\u202e", "gpt-5", "gpt-5\x07", "\u200b", "claude\u00a0x")
    found = name_models([figures(model_name=name, provider_title="OpenAI") for name in names])
    assert list(found) == [
        "gpt-5 (OpenAI)",
        "gpt-5 (OpenAI) 2",
        "gpt-5 (OpenAI) 3",
        "(no visible name)",
        "claude x",
    ]
    assert [each.model_name for each in found.values()] == list(names)


def test_a_cost_is_that_of_requests_whose_cost_is_known() -> None:
    def show(found: Figures) -> str:
        return describe_cost(found, lambda usd: usd, "USD")

    assert show(figures(priced=100, unpriced=100)) == "$2.00"
    assert show(figures(cost_usd=None, priced=0, unpriced=3)) == "no price"
    assert show(figures(cost_usd=None, priced=3)) == DASH


@every_case(
    [
        ("p95 latency", {"percentiles": [10, 20, 30, 40, 50, 86, 90]}, "43% slower"),
        ("p95 latency", {"percentiles": [10, 20, 30, 40, 50, 30, 90]}, "50% faster"),
        ("p95 latency", {"timed": 3}, DASH),
        ("Error rate", {"errors": 5}, "3.0 times higher"),
        ("Error rate", {"errors": 0, "rate_limited": 0}, "100% lower"),
        ("Retries", {}, "the same"),
        ("Retries", {"retries": 5}, DASH),
        ("Tokens per second", {"tokens_per_second": 15.0}, "25% slower"),
        ("Cost per 1,000 requests", {"cost_usd": Decimal("0.3")}, "50% more"),
    ]
)
def test_differences_are_told_in_words(label: str, changes: dict[str, Any], text: str) -> None:
    [measure] = [each for each in list_measures(str) if each.label == label]
    assert describe_difference(measure, figures(), figures(**changes)) == text


def test_hours_and_days_follow_the_clocks_of_the_zone() -> None:
    now = datetime(2026, 10, 25, 12, 30, 5, tzinfo=UTC)  # on that day 2 o'clock came twice in Berlin
    question = ask_for("24H", now, BERLIN)
    moments = list_moments(question, BERLIN)
    assert (question.last_at - question.first_at, len(moments)) == (timedelta(hours=23, minutes=31), 23)
    days = list_moments(ask_for("30D", now, BERLIN), BERLIN)
    assert (len(days), days[0], days[-1]) == (30, local(2026, 9, 26), local(2026, 10, 25))


def test_quiet_times_are_gaps_or_zero() -> None:
    moments = [local(2026, 5, 1, hour) for hour in range(3)]
    points = [figures(at=datetime(2026, 4, 30, 23, tzinfo=UTC))]
    assert follow(points, moments, BERLIN, lambda one: one.requests) == [None, 200, None]
    assert follow(points, moments, BERLIN, lambda one: one.requests, 0) == [0, 200, 0]
