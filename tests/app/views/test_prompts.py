"""The Prompts page: the list with its figures, one prompt beside its versions, and what people change."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from streamlit.testing.v1 import AppTest

from app.auth.identity import User, database_of
from app.formats.text import DASH
from app.ui.prompt_markup import render_comparison
from app.ui.theme import LIGHT
from app.views.prompts import prompt_list
from tally.core.records import CostRecord, identity
from tally.local.stack import Stack
from tally.prompts.comparison import compare
from tally.prompts.stored import deploy_prompt, load_prompt, push_prompt
from tests.app.experiments import add_experiment, bring
from tests.app.pages import open_dialog, open_page, read_markdown, save, shown
from tests.app.teams import new_team
from tests.app.ui.shown_table import shown_table, tables
from tests.shared_connections import operator_connection

HOSTILE = "[name](http://evil.example/name)"


def call(
    number: int, version: str, usd: str = "0.01", prompt: str = "refund", days_ago: float = 1
) -> CostRecord:
    """The record of a call that names a prompt."""
    return CostRecord(
        "openai",
        datetime.now(UTC) - timedelta(days=days_ago, seconds=number),
        "gpt-5",
        Decimal(usd),
        identity("prompt", prompt, version, number),
        "estimated",
        collection_method="otlp",
        input_tokens=900 + number % 7,
        output_tokens=100,
        request_count=1,
        metadata={
            "prompt_name": prompt,
            "prompt_version": version,
            "inference": {"status": "ok", "duration_ms": 900 + number},
        },
    )


def calls(count: int, version: str, **changes: Any) -> list[CostRecord]:
    """Several calls, some dearer than others."""
    cost = Decimal(changes.pop("usd", "0.01"))
    return [call(number, version, str(cost * (10 + number % 3) / 10), **changes) for number in range(count)]


def fill(stack: Stack, user: User) -> None:
    """Calls of two versions, the newer one cheaper, whose texts were pushed, and of another prompt."""
    database = database_of(user)
    push_prompt(database, "refund", "Answer thirty {{days}}.\nBye", "First")
    push_prompt(database, "refund", "Answer 30 {{days}}.\nBye", "Shorter", ["canary"])
    save(
        user,
        [
            *calls(60, "1", days_ago=2),
            *calls(60, "v2", usd="0.008"),
            *calls(3, "1", prompt="draft"),
        ],
    )
    register(stack, user)


def register(stack: Stack, user: User) -> None:
    """Register what records name, as the worker does."""
    with operator_connection(stack, autocommit=True) as job:
        job.execute("select private.register_prompts(%s)", [user.workspace.workspace_id])


def table(page: AppTest, place: int = 0) -> list[dict[str, Any]]:
    """The texts of a table, row by row."""
    frame = shown_table(tables(page)[place])
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def test_new_workspace_is_told_how_prompts_get_here(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, user, "prompts")
    assert not page.exception
    assert page.header[0].value == "No prompts yet"
    assert "gen_ai.prompt.name" in page.code[0].value
    assert len(tables(page)) == 0


def test_list_has_figures_and_what_is_sure(monkeypatch: pytest.MonkeyPatch, user: User, stack: Stack) -> None:
    fill(stack, user)
    deploy_prompt(database_of(user), "refund", "production", {1: Decimal(90), 2: Decimal(10)})
    page = open_page(monkeypatch, user, "prompts")
    assert not page.exception
    refund, draft = table(page)
    assert (refund["name"], refund["versions"], refund["calls"]) == ("refund", "2", "120")
    assert refund["runs"] == "v1 90%, v2 10%"
    assert (refund["each"], refund["cost"], refund["change"]) == ("$0.0099", "$1.19", "new")
    assert (draft["name"], draft["runs"], draft["calls"]) == ("draft", DASH, "3")
    metrics = {metric.label: metric.value for metric in page.metric}
    assert metrics["Prompts"] == "2"
    assert metrics["In production"] == metrics["Rolled out"] == "2 versions"
    assert metrics["Calls with a prompt"] == "123"
    said = read_markdown(page.info[0].value)
    assert said.startswith("**refund: v2 costs 20% less per call than v1 (95%: ")
    page.text_input(key="search").set_value("shorter").run()
    assert [row["name"] for row in table(page)] == ["refund"]


def add_scores(user: User, scored: int = 400) -> None:
    """An experiment with both versions of the prompt, whose runs mostly pass."""
    variants = [
        {"name": name, "is_baseline": name == "A", "match": {"prompt": "refund", "prompt_version": version}}
        for name, version in (("A", "1"), ("B", "2"))
    ]
    experiment = add_experiment(user, variants=variants)
    bring(user, experiment, "A", scored, 0.04, scored - 16)
    bring(user, experiment, "B", scored, 0.02, scored - 12)


def test_quality_is_that_of_the_runs_of_experiments(
    monkeypatch: pytest.MonkeyPatch, user: User, stack: Stack
) -> None:
    fill(stack, user)
    add_scores(user)
    page = open_page(monkeypatch, user, "prompts")
    assert not page.exception
    refund, draft = table(page)
    assert (refund["quality"], draft["quality"]) == ("96.5%", DASH)
    kinds = page.segmented_control(key="kind")
    assert kinds.options == ["All 2", "Without scores 1"]
    assert "v2 is as good as v1 (correct +1.0 points, 95%: " in read_markdown(page.info[0].value)
    assert "100% of all calls" in shown(page)
    kinds.set_value("Without scores").run()
    assert [row["name"] for row in table(page)] == ["draft"]

    page = open_page(monkeypatch, user, "prompts", {"prompt": "refund"})
    assert not page.exception
    assert "v2 is as good as v1" in read_markdown(page.info[0].value)
    assert "Score: correct, pass rate" in [read_markdown(each.value) for each in page.subheader]
    [chart] = [each.proto.alt for each in page.get("plotly_chart") if "Score" in each.proto.alt]
    assert chart.startswith("Score: correct, pass rate: v2 97.0% (94.8% to 98.3%); v1 96.0% (")


def test_prompt_has_its_versions_beside_each_other(
    monkeypatch: pytest.MonkeyPatch, user: User, stack: Stack
) -> None:
    fill(stack, user)
    deploy_prompt(database_of(user), "refund", "production", {2: Decimal(100)})
    page = open_page(monkeypatch, user, "prompts", {"prompt": "refund"})
    assert not page.exception
    newest, first = table(page)
    assert (newest["version"], newest["message"], newest["calls"]) == ("v2", "Shorter", "60")
    assert newest["labels"] == "production, canary"
    assert (first["version"], first["each"], first["labels"]) == ("v1", "$0.011", DASH)
    assert first["interval"].startswith("$0.01")
    assert len(page.get("plotly_chart")) == 5
    text = read_markdown(shown(page))
    assert "production: v2" in text
    assert "120 calls and $1.19 in 30 days" in text
    assert "v2 had 50%, 100% is set now" in text
    [diff] = [body for node in page.get("html") if "prompt-diff" in (body := str(node.proto.body))]
    assert "<del>thirty</del>" in diff
    assert "<ins>30</ins>" in diff


def test_unknown_prompt_is_said(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, user, "prompts", {"prompt": HOSTILE})
    assert not page.exception
    assert "There is no such prompt." in shown(page)
    page.button(key="back_to_prompts").click().run()
    assert page.title[0].value == "Prompts"


def test_split_that_is_none_is_a_sentence_and_rolling_back_asks(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    database = database_of(user)
    for text in ("One", "Two"):
        push_prompt(database, "refund", text)
    deploy_prompt(database, "refund", "production", {1: Decimal(100)})
    prompt = load_prompt(database, "refund")
    dialog = open_dialog(monkeypatch, user, "app.views.prompts.actions:change_split", prompt)
    dialog.multiselect[0].set_value([1, 2]).run()
    dialog.number_input[0].set_value(11.0).run()
    dialog.button(key="deploy_prompt").click().run()
    assert [error.value for error in dialog.error] == ["These shares add up to 111%, not to 100%\\."]
    dialog.number_input[1].set_value(89.0).run()
    dialog.button(key="deploy_prompt").click().run()
    prompt = load_prompt(database, "refund")
    [live] = prompt.live
    assert live.shares == {1: 89, 2: 11}
    dialog = open_dialog(monkeypatch, user, "app.views.prompts.actions:roll_back", "refund", live)
    assert "would run v1 again" in shown(dialog)
    dialog.button(key="confirm_roll_back").click().run()
    assert load_prompt(database, "refund").live[0].shares == {1: 100}


def test_text_that_does_not_parse_is_told_with_its_place(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    dialog = open_dialog(monkeypatch, user, "app.views.prompts.actions:push_version", "refund")
    dialog.text_area[0].set_value("a\n{{b").run()
    dialog.button(key="push_prompt").click().run()
    assert dialog.error[0].value.replace("\\", "").startswith("Line 2, column 1: {{ is not closed")
    dialog.text_area[0].set_value("a {{b}}").run()
    dialog.button(key="push_prompt").click().run()
    assert load_prompt(database_of(user), "refund").versions[0].variables == ("b",)


def test_labels_and_tags_are_saved(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    database = database_of(user)
    push_prompt(database, "refund", "One", "", ["stable"])
    prompt = load_prompt(database, "refund")
    dialog = open_dialog(monkeypatch, user, "app.views.prompts.actions:edit_labels", prompt)
    dialog.multiselect(key="labels-1").set_value([]).run()
    dialog.button(key="save_labels").click().run()
    assert load_prompt(database, "refund").versions[0].labels == ()


def test_viewer_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    viewer = new_team(job, user, "viewer")
    job.execute(
        """with one as (insert into public.prompts (workspace_id, name) values (%s, 'refund') returning *)
        insert into public.prompt_versions (workspace_id, prompt_id, number)
        select workspace_id, id, 1 from one""",
        [viewer.workspace.workspace_id],
    )
    page = open_page(monkeypatch, viewer, "prompts", {"prompt": "refund"})
    assert not page.exception
    for key in ("new_version", "change_split", "edit_labels", "archive_prompt"):
        assert page.button(key=key).disabled, key


def test_hostile_names_are_text(monkeypatch: pytest.MonkeyPatch, user: User, stack: Stack) -> None:
    save(user, [*calls(40, HOSTILE, prompt=HOSTILE), *calls(40, "<b>", prompt=HOSTILE, usd="0.02")])
    register(stack, user)
    for address in ({}, {"prompt": HOSTILE}):
        page = open_page(monkeypatch, user, "prompts", address)
        assert not page.exception
        texts = [*page.title, *page.caption, *page.info, *page.markdown]
        assert not [element.value for element in texts if "](http" in str(element.value)]


def test_compared_texts_are_escaped() -> None:
    rows = compare("<script>a</script>\nsame", "<script>b</script>\nsame")
    assert rows is not None
    markup = render_comparison(rows, ("v1", "<v2>"), LIGHT, True)
    assert "<script>" not in markup
    assert "<v2>" not in markup
    assert "&lt;" in markup


def test_full_workspace_says_how_many_prompts_are_not_listed(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    """Records of new names come before the worker looks, as those of a workspace that has no room."""
    push_prompt(database_of(user), "listed", "Answer.", "")
    save(user, [call(1, "1", prompt="new"), call(2, "1", prompt="newer"), call(3, "1", prompt="listed")])
    assert "A workspace can have" not in shown(open_page(monkeypatch, user, "prompts"))
    monkeypatch.setattr(prompt_list, "MOST_PROMPTS", 1)
    text = shown(open_page(monkeypatch, user, "prompts"))
    assert (
        "A workspace can have 1 prompts, and this one has them. 2 more that calls name are not listed" in text
    )


def test_many_prompts_are_a_table_alone(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    for name in ("one", "two"):
        push_prompt(database_of(user), name, "Answer.", "")
    assert [len(radio.options) for radio in open_page(monkeypatch, user, "prompts").radio] == [2]
    monkeypatch.setattr(prompt_list, "MOST_LINES", 1)
    page = open_page(monkeypatch, user, "prompts")
    assert not page.radio
    assert list(shown_table(tables(page)[0])["name"]) == ["one", "two"]
