"""The Traces page: lists with filters in the address, a trace with its spans, sessions, opened files."""

import gzip
from dataclasses import replace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app.auth.identity import User, database_of
from app.views.traces.trace_file import read_file
from tally.telemetry.signals import Undecodable
from tally.traces.stored_span import StoredSpan, save_contents, save_spans
from tests.app.pages import metrics, open_page, read_markdown, shown
from tests.app.ui.shown_table import tables
from tests.app.wire import Wire
from tests.tally.telemetry.captures import FOLDER
from tests.tally.traces.examples import call, large, resolve_ticket, span


def save(user: User, *spans: StoredSpan) -> None:
    """Save spans into the user's workspace."""
    saved = save_spans(database_of(user), spans)
    assert saved.inserted == len(spans), saved


def ids(page: AppTest, column: str = "name") -> list[str]:
    """A column of the table of the page."""
    return [str(value).strip("\N{NO-BREAK SPACE}") for value in tables(page)[0].value[column]]


def test_an_empty_page_tells_what_to_do(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, user, "traces")
    assert not page.exception
    assert "No traces in this period." in shown(page)
    assert "kept for 90 days" in shown(page)


def test_lists_follow_the_address(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    slow = [replace(span, duration_us=span.duration_us * 9) for span in resolve_ticket(1, name="slow")]
    failed = resolve_ticket(2, name="[failed](http://x)", status="error", service="shop", session="s2")
    save(user, *resolve_ticket(0, name="new"), *slow, *failed)

    page = open_page(monkeypatch, user, "traces")
    assert not page.exception
    assert ids(page) == ["new", "slow", "[failed](http://x)"]
    assert metrics(page)["Traces"] == "3"
    assert len(page.text_input(key="search").placeholder) <= 16  # more is cut where four fields are in a row
    assert metrics(page)["Error rate"] == "1 of 3"
    for address, names in (
        ({"sort": "Slowest"}, ["slow", "new", "[failed](http://x)"]),
        ({"status": "Error"}, ["[failed](http://x)"]),
        ({"service": "shop"}, ["[failed](http://x)"]),
        ({"session": "s2"}, ["[failed](http://x)"]),
        ({"search": "LINUS", "sort": "Slowest"}, ["slow", "new", "[failed](http://x)"]),
        ({"search": f"{2:032x}"}, ["slow"]),
    ):
        page = open_page(monkeypatch, user, "traces", address)
        assert not page.exception
        assert sorted(ids(page)) == sorted(names), address
        assert ids(page)[0] == names[0], address
    page = open_page(monkeypatch, user, "traces", {"search": "nothing"})
    assert "No traces match these filters." in shown(page)


def test_what_is_shown_is_asked_for_once(monkeypatch: pytest.MonkeyPatch, user: User, wire: Wire) -> None:
    monkeypatch.setenv("SUPABASE_URL", wire.url)
    save(user, *resolve_ticket(0), *resolve_ticket(1, session="other"))
    page = open_page(monkeypatch, user, "traces", {"status": "Retried", "sort": "Slowest"})
    assert not page.exception
    assert len(ids(page)) == 2
    assert wire.count("rpc/find_traces") == 2  # what the fields offer, and what is shown
    st.cache_data.clear()
    page = open_page(monkeypatch, user, "traces", {"status": "Retried", "list": "Sessions"})
    assert not page.exception
    assert len(ids(page)) == 2
    assert (wire.count("rpc/find_traces"), wire.count("rpc/find_sessions")) == (3, 1)


def test_sessions_are_conversations_of_traces(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, *resolve_ticket(0), *resolve_ticket(1), *resolve_ticket(2, session="other"))
    page = open_page(monkeypatch, user, "traces", {"list": "Sessions"})
    assert not page.exception
    assert dict(zip(ids(page), ids(page, "traces"), strict=True)) == {"ticket-48213": "2", "other": "1"}
    page.radio[0].set_value(ids(page).index("ticket-48213")).run()
    assert not page.exception
    assert len(ids(page)) == 2
    page.radio[0].set_value(0).run()
    assert not page.exception
    assert page.query_params["trace"] == f"{1:032x}"
    page.button(key="to_session").click().run()
    assert not page.exception
    assert len(ids(page)) == 2
    page.button(key="leave_session").click().run()
    assert not page.exception
    assert sorted(ids(page)) in (["other", "ticket-48213"], ["resolve_ticket"] * 3)


def test_a_trace_shows_costs_errors_and_retries(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, *resolve_ticket())
    page = open_page(monkeypatch, user, "traces", {"trace": f"{1:032x}", "span": f"{12:016x}"})
    assert not page.exception
    rows = tables(page)[0].value.set_index("name")
    assert ids(page)[:3] == ["resolve_ticket", "classify_intent", "retrieve_context"]
    outcomes = [outcome for outcome in rows["outcome"] if outcome]
    assert outcomes == ["timed out", "retry", "rate limited", "retry"]
    assert rows["cost"].iloc[0] == "$0.0139"
    assert metrics(page) == {
        "Duration": "18.42 s",
        "Cost": "$0.0139",
        "Tokens": "5,292",
        "Spans": "14",
        "Errors": "2",
    }
    text = read_markdown(shown(page))
    for words in ("all retried", "1 call without a price", "refund-policy 7", "1.07 s", "aren't stored"):
        assert words in text, words


def test_a_step_shows_what_was_said_where_that_is_kept(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    database = database_of(user)
    database.call("set_content_rules", days=30)
    save(user, *resolve_ticket())
    said = {"prompt": "Where is **my** order?", "answer": "On its way."}
    assert save_contents(database, {(f"{1:032x}", f"{12:016x}"): said}) == 1
    page = open_page(monkeypatch, user, "traces", {"trace": f"{1:032x}", "span": f"{12:016x}"})
    assert not page.exception
    assert [block.value for block in page.code] == list(said.values())
    assert [part.label for part in page.expander] == ["Prompt", "Answer"]
    page = open_page(monkeypatch, user, "traces", {"trace": f"{1:032x}"})
    assert not page.code
    assert "aren't stored" in shown(page)


def test_a_call_around_others_is_in_no_figure_twice(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    inner = call(0, 3, 2, 0.2, 1, "generate")
    wrapper = call(0, 1, 0, 0, 2, "chat", model="wrapper", request_id="")
    save(user, wrapper, span(0, 2, 1, 0.1, 1.5, "step"), inner)
    page = open_page(monkeypatch, user, "traces", {"trace": f"{1:032x}"})
    assert not page.exception
    assert metrics(page)["Cost"] == "$0.0128"
    text = read_markdown(shown(page))
    assert "600 from cache" in text
    assert "100% · $0.0128" in text
    assert "50%" not in text


def test_a_trace_that_is_gone_is_explained(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, user, "traces", {"trace": "<b>nothing</b>"})
    assert not page.exception
    assert "There is no such trace." in shown(page)


def test_many_spans_are_all_listed(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, *large(3, 1200))
    page = open_page(monkeypatch, user, "traces", {"trace": f"{4:032x}"})
    assert not page.exception
    assert len(tables(page)[0].value) == 1200


def test_a_file_is_read_for_a_look(user: User) -> None:  # noqa: ARG001 - the price list of the stack
    body = gzip.decompress(next((FOLDER / "node-ai7-json").glob("*.gz")).read_bytes())
    file = read_file("traces.json", body)
    spans = [span for trace in file.traces.values() for span in trace]
    assert file.problems == []
    assert any(span.is_call and span.cost_usd for span in spans)
    assert not any(one in str(spans) for one in ("Say hello", "messages"))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "JSON"),
        (b"{}", "no spans"),
        (b" " * (16 * 1024 * 1024 + 1), "16 MB"),
    ],
)
def test_a_file_without_traces_is_explained(body: bytes, reason: str) -> None:
    with pytest.raises(Undecodable, match=reason):
        read_file("traces.json", body)
