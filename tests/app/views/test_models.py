"""The Models page: table, comparison and courses, with the choice in the address."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User
from app.figures.model_performance import ask_for
from tally.core.records import CostRecord, identity
from tally.storage.database import DatabaseError
from tally.telemetry.calls import Call
from tally.telemetry.records import make_record
from tally.traces.performance import Performance, PerformanceQuestion
from tests.app.pages import open_page, read_markdown, save, shown
from tests.app.projects import add_project
from tests.app.ui.shown_table import shown_table, tables


def call(number: int, model: str = "gpt-5.2", minutes_ago: float = 30, **changes: Any) -> CostRecord:
    """The record of a call."""
    told = {"status": "ok", "duration_ms": 1000 + number, "first_token_ms": 400} | changes.pop("told", {})
    fields: dict[str, Any] = {
        "provider": "openai",
        "timestamp": datetime.now(UTC) - timedelta(minutes=minutes_ago, milliseconds=number),
        "model_name": model,
        "cost_usd": Decimal("0.002"),
        "source_key": identity("call", model, number),
        "cost_basis": "estimated",
        "collection_method": "otlp",
        "input_tokens": 900,
        "output_tokens": 100,
        "request_count": 1,
        "metadata": {"inference": told},
    }
    return CostRecord(**fields | changes)


def calls(count: int, **changes: Any) -> list[CostRecord]:
    """Several calls."""
    return [call(number, **changes) for number in range(count)]


def column(page: AppTest, name: str, table: int = 0) -> list[Any]:
    """The cells of a column."""
    return list(tables(page)[table].value[name])


def test_an_empty_page_leads_to_a_key(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [call(1, collection_method="local_log")])
    page = open_page(monkeypatch, user, "models")
    assert not page.exception
    assert "No telemetry in the last 30 days." in shown(page)
    assert "Only telemetry tells how long requests take" in shown(page)
    page.button[-1].click().run()
    assert not page.exception
    assert page.title[0].value == "Keys"


def test_one_request_is_told_as_too_few(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, calls(1))
    page = open_page(monkeypatch, user, "models")
    assert not page.exception
    assert (column(page, "model"), column(page, "requests")) == (["gpt-5.2"], ["1"])
    text = read_markdown(shown(page))
    assert "Too few requests: a p95 needs 20 and a p99 needs 100" in text
    assert "Comparison" not in text
    assert "1 request · 0 of 1 failed · p50 1.00 s · p95 too few · 167 tokens/s · $2.00 per 1,000" in text


def test_rates_of_few_and_of_many_requests_are_told_as_they_are(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    save(user, [*calls(3, model="few"), *calls(30, model="many")])
    page = open_page(monkeypatch, user, "models")
    assert not page.exception
    table = shown_table(tables(page)[0])
    rates = dict(zip(table["model"], table["error_rate"], strict=True))
    assert rates["few"] == "0 of 3"
    assert rates["many"] == "0%"
    assert "retries" not in table, "a column of zeros takes the place of the trend"


def test_calls_of_telemetry_are_requests(user: User) -> None:
    now = datetime.now(UTC)
    told: dict[str, Any] = {"has_usage": True, "input_tokens": 900, "output_tokens": 100, "session": "s"}
    answered = Call(now, "openai", "gpt-5.2", ("resp_1",), 2000, 500, **told)
    refused = Call(
        now - timedelta(seconds=5), "openai", "gpt-5.2", duration_ms=5, status="rate_limited", session="s"
    )
    save(user, [make_record(answered), make_record(refused)])
    st.cache_data.clear()
    [found] = data.load_performance(user, ask_for("24H", now, ZoneInfo("UTC"))).models
    assert (found.requests, found.rate_limited, found.retries, found.timed) == (2, 1, 1, 1)
    assert (found.latency_ms(50), found.first_token_ms, found.tokens) == (2000, 500, 1000)
    assert (found.priced, found.unpriced, found.cost_usd) == (2, 0, make_record(answered).cost_usd)


def test_models_are_compared_side_by_side(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    slow: dict[str, Any] = {
        "told": {"duration_ms": 2000},
        "provider": "anthropic",
        "cost_usd": Decimal("0.004"),
    }
    save(user, [*calls(150, told={"duration_ms": 1000}), *calls(100, model="claude-x", **slow)])
    save(user, [call(999, "claude-x", told={"status": "rate_limited"}, provider="anthropic", cost_usd=None)])
    save(user, calls(3, model="small"))
    page = open_page(monkeypatch, user, "models", {"period": "24H"})
    assert not page.exception
    assert column(page, "model") == ["gpt-5.2", "claude-x", "small"]
    assert column(page, "course")[2] == "", "quiet times are no quick answers"
    compared = dict(zip(column(page, "measure", 1), column(page, "difference", 1), strict=True))
    assert compared["p95 latency"] == "2.0 times slower"
    assert compared["Requests"] == "33% fewer"
    assert compared["Error rate"] == "\N{EN DASH}"
    assert column(page, "second", 1)[1] == "0.99%"
    assert (
        dict(zip(column(page, "measure", 1), column(page, "first", 1), strict=True))["p99 latency"]
        == "1.00 s"
    )
    assert "Too few requests" in shown(page)  # the third model
    page = open_page(monkeypatch, user, "models", {"compare": "small"})
    assert not page.exception
    assert "Comparison" not in shown(page)
    assert page.multiselect(key="compare").value == ["small"]


def test_the_period_and_the_project_are_those_of_the_address(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    project = add_project(user, "Website")
    save(
        user,
        [call(1, "recent"), call(2, "filed", project_id=project), call(3, "old", minutes_ago=60 * 24 * 5)],
    )
    for address, expected in (
        ({"period": "24H"}, ["filed", "recent"]),
        ({"period": "7D"}, ["filed", "old", "recent"]),
        ({"period": "90D", "project": "website"}, ["filed"]),
    ):
        page = open_page(monkeypatch, user, "models", address)
        assert not page.exception
        assert sorted(column(page, "model")) == expected, address
    page = open_page(monkeypatch, user, "models", {"period": "24H", "project": "-"})
    assert sorted(column(page, "model")) == ["recent"]


def test_hostile_names_are_only_text(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    names = ["[click](http://x)", "<b>bold</b>"]
    save(user, [call(1, names[0]), call(2, names[1])])
    page = open_page(monkeypatch, user, "models")
    assert not page.exception
    assert sorted(column(page, "model")) == sorted(names)
    assert not any("](http" in str(element.value) for element in page.caption)
    assert not any("<b>" in str(element.proto.body) for element in page.get("html"))


def test_one_name_of_two_providers_is_two_models(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [call(1), call(2, provider="anthropic")])
    page = open_page(monkeypatch, user, "models")
    assert not page.exception
    assert column(page, "model") == ["gpt-5.2 (Anthropic)", "gpt-5.2 (OpenAI)"]


def test_too_many_calls_are_explained_and_shorter_periods_offered(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    refusal = DatabaseError("This period has more than 2,000,000 requests. Choose a shorter one.")
    load = data.load_performance

    def load_week_at_most(of: User, question: PerformanceQuestion) -> Performance:
        if question.last_at - question.first_at > timedelta(days=8):
            raise refusal
        return load(of, question)

    save(user, calls(1))
    monkeypatch.setattr("app.data.load_performance", load_week_at_most)
    page = open_page(monkeypatch, user, "models")
    assert "Choose a shorter one." in shown(page)
    assert [button.label for button in page.button if "last" in button.label] == [
        "Show the last 7 days",
        "Show the last 24 hours",
    ]
    page.button(key="show_7D").click().run()
    assert not page.exception
    assert page.segmented_control(key="period").value == "7D"
    assert len(tables(page)) > 0
