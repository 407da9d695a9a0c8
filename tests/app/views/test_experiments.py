"""The Experiments page: the list, a new one, one with its verdict and decision, and rating its runs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import psycopg
import pytest
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User
from app.formats.dates import format_day
from app.views.experiments import experiment_list
from app.views.experiments.rating import list_unrated, name_run
from tally.accounts.auth_client import AuthClient
from tally.experiments.words import freeze
from tests.app.accounts import Account, sign_in_user
from tests.app.experiments import add_experiment, bring
from tests.app.pages import open_dialog, open_page, read_markdown, save, shown, usage
from tests.app.teams import join, new_team

DECISION = "app.views.experiments.actions:confirm_decision"
HOSTILE = "<b>x</b> ![x](http://localhost/x) :red[y]"


def open_experiment(monkeypatch: pytest.MonkeyPatch, user: User, experiment: str, **address: str) -> AppTest:
    page = open_page(monkeypatch, user, "experiments", {"experiment": experiment} | address)
    assert not page.exception
    return page


def texts(page: AppTest) -> str:
    subheaders = "\n".join(str(one.value) for one in page.subheader)
    return read_markdown(f"{shown(page)}\n{subheaders}")


def click(page: AppTest, label: str) -> AppTest:
    [button] = [one for one in page.button if read_markdown(one.label) == label]
    clicked = button.click().run()
    assert not clicked.exception
    return clicked


def test_without_experiments_the_page_says_what_they_are_for(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    page = open_page(monkeypatch, user, "experiments")
    assert not page.exception
    assert "No experiments yet" in shown(page)


def test_new_experiment_says_the_needed_runs_before_it_starts(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    save(user, [usage(3, "1"), usage(3, "2", model_name="gpt-5.2-mini-2026-01-02")])
    page = open_experiment(monkeypatch, user, "new")
    assert "576 runs a side are needed" in shown(page)
    page.selectbox(key="experiment-kind").set_value("rating").run()
    assert not page.exception
    assert "393 runs a side are needed" in shown(page)  # for a margin of 0.2
    page.slider[0].set_value(2.0).run()
    assert "1,570 runs a side are needed" in shown(page)
    page.selectbox(key="experiment-kind").set_value("bool").run()
    page.text_input(key="experiment-name").input("Refunds")
    page.text_input(key="experiment-question").input("Can refunds move?")
    page.selectbox(key="variant-A-model").set_value("gpt-5.2")
    page.selectbox(key="variant-B-model").set_value("gpt-5.2")
    page = click(page, "Start experiment")
    assert "One call could be in variants A and B" in texts(page)
    page.selectbox(key="variant-B-model").set_value("gpt-5.2-mini")
    day = datetime.now(UTC).date() - timedelta(days=10)
    page.date_input(key="experiment-first-day").set_value(day)
    page = click(page, "Start experiment")
    assert "Can refunds move?" in texts(page)
    assert f"sessions from {format_day(day)} on" in texts(page)
    [listed] = data.load_experiments(user)
    assert (listed.name, listed.min_runs, listed.status) == ("Refunds", 576, "running")


def test_numbers_out_of_bounds_are_told_beside_their_fields(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    page = open_experiment(monkeypatch, user, "new")
    faults = []
    for margin in ("abc", "NaN", "0", "-5", "100"):
        page.text_input(key="experiment-margin-bool").set_value(margin).run()
        faults += [read_markdown(one.value) for one in page.error]
    assert faults == 2 * ["Enter the margin as a number, such as 5."] + 3 * [
        "Give a margin above 0, up to 50 points."
    ]
    page.text_input(key="experiment-margin-bool").set_value("5").run()
    page.number_input[0].set_value(1).run()
    assert [read_markdown(one.value) for one in page.error] == ["Plan 30 to 20,000 runs of each variant."]
    page = click(page, "Start experiment")
    assert "Nothing is saved yet. Plan 30 to 20,000 runs" in texts(page)
    assert data.load_experiments(user) == []


def test_started_experiment_is_edited_only_stricter(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    experiment = add_experiment(user, min_runs=400, margin="0.05")
    before, _ = data.load_experiment(user, experiment)
    page = open_experiment(monkeypatch, user, experiment, part="edit")
    assert page.text_input(key="experiment-score").disabled
    assert page.selectbox(key="experiment-kind").disabled
    page.text_input(key="experiment-margin-bool").set_value("6").run()
    assert "margin stays at 5 or less" in page.error[0].value
    page.text_input(key="experiment-margin-bool").set_value("4").run()
    page.number_input[0].set_value(80).run()
    assert "stay at 400 or more" in page.error[0].value
    page.number_input[0].set_value(450).run()
    click(page, "Save")
    found, _ = data.load_experiment(user, experiment)
    assert (found.min_runs, f"{found.margin}") == (450, "0.04")
    assert found.starts_at == before.starts_at


def test_unknown_models_and_prompts_are_told(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(3, "1", model_name="gpt-5.2-2026-01-02")])
    variants = [
        {"name": "A", "is_baseline": True, "match": {"model": "gpt-5.2"}},
        {"name": "B", "match": {"model": "gpt-5.2x", "prompt": "refnud"}},
    ]
    page = open_experiment(monkeypatch, user, add_experiment(user, variants=variants), part="edit")
    told = [line for line in texts(page).splitlines() if line.startswith("No record names")]
    assert told == ["No record names the model gpt-5.2x yet.", "No record names the prompt refnud yet."]


def test_runs_come_from_the_records_when_it_is_opened(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    experiment = add_experiment(user, starts_at="2026-01-01T00:00:00Z", name=HOSTILE, question=HOSTILE)
    save(user, [usage(0, "1", metadata={"session": "s1"}), usage(0, "2", model_name="gpt-5.2-mini")])
    page = open_experiment(monkeypatch, user, experiment)
    text = texts(page)
    assert "Early look, no verdict: 1 and 0 runs, 30 a side needed" in text
    assert "1 matching call names no session." in text
    assert "1 run is not scored." in text
    assert "sessions from 1 Jan 2026 on, each a run" in text
    assert "Runs as of" in text
    save(user, [usage(0, "2", model_name="gpt-5.2-mini", metadata={"session": "s2"})])
    assert "1 and 1 runs" in texts(click(page, "Gather"))
    assert HOSTILE in text


def test_verdict_is_decided_and_its_numbers_stay(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    experiment = add_experiment(user, margin="0.1")
    bring(user, experiment, "A", 200, 0.04, 198)
    bring(user, experiment, "B", 210, 0.02, 208)
    page = open_experiment(monkeypatch, user, experiment)
    [sentence] = [line for line in texts(page).splitlines() if line.startswith("B costs")]
    assert sentence.endswith("at equal quality")
    assert "200 and 210 runs." in texts(page)
    asked = click(page, "Decide for B")
    assert f"Kept with your name and the time: {sentence}." in texts(asked)
    assert not asked.warning
    assert data.load_experiment(user, experiment)[0].status == "running"
    page = decide(monkeypatch, user, experiment, "B")
    assert sentence in texts(page)
    assert "These numbers stay." in texts(page)
    assert not [button for button in page.button if button.label.startswith("Decide")]
    found, _ = data.load_experiment(user, experiment)
    assert found.decision
    assert (found.status, found.decided_variant) == ("decided", "B")
    assert found.decision["sentence"] == f"{sentence}."
    listed = open_page(monkeypatch, user, "experiments")
    assert f"{sentence}." in shown(listed)


def decide(monkeypatch: pytest.MonkeyPatch, user: User, experiment: str, variant: str) -> AppTest:
    """Confirm the decision on the variant that is told first; the page after it."""
    data.forget_version(user)
    found, evaluation = data.load_experiment(user, experiment)
    frozen = freeze(found, evaluation, evaluation.comparisons[0])
    dialog = open_dialog(monkeypatch, user, DECISION, experiment, variant, frozen)
    click(dialog, "Decide")
    return open_experiment(monkeypatch, user, experiment)


def test_decision_on_what_cannot_be_told_says_so_and_may_be_cancelled(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    experiment = add_experiment(user, margin="0.001")
    bring(user, experiment, "A", 40, 0.04, 36)
    bring(user, experiment, "B", 42, 0.02, 36)
    page = click(open_experiment(monkeypatch, user, experiment), "Keep A")
    assert "do not tell that a variant is cheaper and as good" in page.warning[0].value
    click(page, "Cancel")
    assert data.load_experiment(user, experiment)[0].status == "running"


def names_of_cards(page: AppTest) -> list[str]:
    return [read_markdown(one.label).strip("*") for one in page.button if str(one.key).startswith("open-")]


def test_list_draws_the_newest_and_more_on_request(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    monkeypatch.setattr(experiment_list, "STEP", 2)
    made = [add_experiment(user, name=f"E{nth}", question=f"Question {nth}") for nth in range(5)]
    data.move_experiment(user, made[0], "archived")
    page = open_page(monkeypatch, user, "experiments")
    assert names_of_cards(page) == ["Question 4", "Question 3"]
    assert "Newest 2 of 4." in shown(page)
    page = click(page, "Show more")
    assert names_of_cards(page) == ["Question 4", "Question 3", "Question 2", "Question 1"]
    assert not [one for one in page.button if one.label == "Show more"]
    page.segmented_control(key="shown_experiments").set_value("Archived").run()
    assert names_of_cards(page) == ["Question 0"]


def test_member_sees_figures_and_no_single_runs_of_others(
    monkeypatch: pytest.MonkeyPatch,
    user: User,
    upstream: AuthClient,
    new_account: Callable[[], Account],
    job: psycopg.Connection[Any],
) -> None:
    owner = new_team(job, user)
    member = join(job, owner, sign_in_user(upstream, new_account()), "member")
    experiment = add_experiment(owner, starts_at="2026-01-01T00:00:00Z")
    save(owner, [usage(0, "1", metadata={"session": "of-the-owner"})])
    data.gather_runs(owner, experiment)
    page = open_experiment(monkeypatch, member, experiment)
    assert "Early look, no verdict: 1 and 0 runs, 30 a side needed" in texts(page)
    assert "Runs of other people count in the figures" in texts(page)
    assert "of-the-owner" not in everything_sent(page)


def everything_sent(page: AppTest) -> str:
    """All that the browser is told of the page."""
    return "\n".join(str(element.proto) for element in page.main)


def links_to_sessions(page: AppTest) -> list[Any]:
    return [each for each in page.get("page_link") if each.proto.label == "Open the session that you rated"]


def test_rating_shows_run_after_run_and_not_their_variant(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    experiment = add_experiment(user)
    bring(user, experiment, "A", 2, 0.04, None)  # their sessions are named after the variant
    found, _ = data.load_experiment(user, experiment)
    order = list(list_unrated(found))
    page = open_experiment(monkeypatch, user, experiment, part="rate")
    assert name_run(found, order[0]) in texts(page)
    for telling in ("gpt-5.2", order[0].session, order[1].session, "$0.0"):
        assert telling not in everything_sent(page)
    page = click(page, "Pass")
    assert name_run(found, order[1]) in texts(page)
    assert f"Rated: {order[0].session}" in texts(page)
    assert order[1].session not in everything_sent(page)
    page = click(page, "Fail")
    assert "Every run is rated." in texts(page)
    found, _ = data.load_experiment(user, experiment)
    scores = {run.session: (int(run.score or 0), run.scored_by) for run in found.runs}
    assert scores == {order[0].session: (1, "human"), order[1].session: (0, "human")}


def test_two_keys_at_once_rate_nothing(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    experiment = add_experiment(user)
    bring(user, experiment, "A", 1, 0.04, None)
    page = open_experiment(monkeypatch, user, experiment, part="rate")
    for button in [one for one in page.button if read_markdown(one.label) in ("Pass", "Fail")]:
        button.click()
    page.run()
    assert "Two keys came at once, and neither counts." in texts(page)
    assert [run.score for run in data.load_experiment(user, experiment)[0].runs] == [None]
    assert "Every run is rated." in texts(click(page, "Pass"))


def test_session_is_opened_once_its_run_is_rated(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    member = new_team(job, user)
    experiment = add_experiment(member, starts_at="2026-01-01T00:00:00Z")
    save(member, [usage(0, "1", metadata={"session": "s1"})])
    data.gather_runs(member, experiment)
    page = open_experiment(monkeypatch, member, experiment, part="rate")
    assert "s1" in texts(page)
    assert links_to_sessions(page) == []
    page = click(page, "Pass")
    [link] = links_to_sessions(page)
    opened = parse_qs(link.proto.query_string)
    assert opened == {"session": ["s1"], "workspace": [member.workspace.workspace_id]}


def test_each_click_adds_a_variant_to_the_open_experiment(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    variants = [{"name": name, "is_baseline": name == "A", "match": {"model": name}} for name in "ABC"]
    experiment = add_experiment(user, variants=variants)
    page = open_experiment(monkeypatch, user, "new")
    assert len(list_variants(page)) == 2
    page.query_params["experiment"], page.query_params["part"] = experiment, "edit"
    page = click(page.run(), "Add a variant")
    assert len(list_variants(page)) == 4


def list_variants(page: AppTest) -> list[str]:
    return [one.value for one in page.subheader if one.value.startswith("Variant ")]


def test_runs_are_filtered_by_variants_of_any_name(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    variants = [
        {"name": "All", "is_baseline": True, "match": {"model": "gpt-5.2"}},
        {"name": "Failed", "match": {"model": "gpt-5.2-mini"}},
    ]
    experiment = add_experiment(user, variants=variants)
    bring(user, experiment, "All", 3, 0.04, 2)
    bring(user, experiment, "Failed", 4, 0.02, 4)
    page = open_experiment(monkeypatch, user, experiment)
    field = page.segmented_control(key="shown_runs")
    assert field.options == ["All 7", "All 3", "Failed 4", "Failed 1"]
    assert "Newest 7 of 7." in shown(page)


def test_experiment_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_experiment(monkeypatch, user, "11111111-1111-4111-8111-111111111111")
    assert "it was deleted, or it is of a project that you don't see" in shown(page)
