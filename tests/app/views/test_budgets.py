"""The Budgets page: the list worst first, one in detail, a new one, and who may change them."""

import re
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User
from app.views.budgets.actions import confirm_deletion
from tally.accounts.auth_client import AuthClient
from tests.app.accounts import sign_in_user
from tests.app.budgets import TODAY as DAY
from tests.app.budgets import add_budget, status
from tests.app.pages import hero, open_dialog, open_page, read_markdown, save, shown, usage
from tests.app.teams import join, new_team
from tests.days import current_day

HOSTILE = "<b>x</b> ![x](http://localhost/x) :red[y]"
ADD_EVENT = """
insert into public.alert_events (workspace_id, kind, subject, period_start, severity, state, facts)
values (%s, 'budget', %s, %s, 'warning', 'open', %s)"""

ADD_DELIVERY = """
insert into public.deliveries (workspace_id, event_id, channel_name, kind, attempts, problem)
select workspace_id, id, 'Email', 'open', 2, 'No server answered.'
from public.alert_events
where subject = %s"""

ADD_CHANNEL = """
insert into public.channels
    (workspace_id, kind, name, hint, sealed_target, encryption_key_id, verified_at, verified_by)
values (%s, %s, %s, 'h', 'x', 'k', now(), 'message') returning id"""


def plain(page: AppTest) -> str:
    """Texts, captions and HTML of the page, without escapes."""
    markup = " ".join(str(element.proto.body) for element in page.get("html"))
    return read_markdown(shown(page) + markup)


def opened(page: AppTest) -> list[str]:
    """Names of the listed budgets, in order."""
    return [
        read_markdown(button.label).strip("*")
        for button in page.button
        if str(button.key).startswith("open-")
    ]


def open_budget(monkeypatch: pytest.MonkeyPatch, user: User, choice: str) -> AppTest:
    return open_page(monkeypatch, user, "budgets", {"budget": choice})


def test_without_budgets_the_page_says_what_they_are_for(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, user, "budgets")
    assert not page.exception
    assert "No budgets yet" in shown(page)
    assert [button.label for button in page.button if not button.disabled and button.label == "New budget"]


def test_list_has_the_worst_first_and_filters(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(0, "90")])
    add_budget(user, "Fine", "1000")
    add_budget(user, HOSTILE, "80", model_name="gpt-5.2")
    paused = add_budget(user, "Asleep", "10")
    data.pause_budget(user, paused, True)

    page = open_page(monkeypatch, user, "budgets")

    assert not page.exception
    assert opened(page) == [HOSTILE, "Fine", "Asleep"]
    assert "One budget is exceeded." in shown(page)
    assert "$10.00 over" in plain(page)
    assert "<b>$90</b> of $80" in plain(page)
    assert "<b>x</b>" not in " ".join(str(element.proto.body) for element in page.get("html"))
    page.segmented_control(key="shown_budgets").set_value("At risk").run()
    assert opened(page) == [HOSTILE]
    page.segmented_control(key="shown_budgets").set_value("Paused").run()
    assert opened(page) == ["Asleep"]


def test_many_budgets_are_on_several_pages(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    for nth in range(27):
        add_budget(user, f"Budget {nth:02}", "10", ())
    page = open_page(monkeypatch, user, "budgets")
    assert len(opened(page)) == 25
    page.session_state["budgets-page-All"] = 2
    assert len(opened(page.run())) == 2


def test_a_click_opens_the_budget_and_another_one_leads_back(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    save(user, [usage(0, "3")])
    budget = add_budget(user, HOSTILE, "80")
    page = open_page(monkeypatch, user, "budgets")

    page.button(key=f"open-{budget}").click().run()
    assert not page.exception
    assert page.query_params["budget"] in (budget, [budget])
    assert hero(page).startswith("$3 of $80")
    assert HOSTILE in plain(page)
    assert "Nothing yet. Each threshold tells once in a period." in shown(page)

    page.button(key="back_to_budgets").click().run()
    assert opened(page) == [HOSTILE]


def test_change_against_the_period_before_has_its_reasons(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    save(user, [usage(0, "30", input_tokens=2000), usage(1, "10", input_tokens=1000)])
    page = open_budget(monkeypatch, user, add_budget(user, "Each day", "80", period="day"))
    assert "+$10.00: more tokens" in plain(page)
    assert "+$10.00: a higher cost per token" in plain(page)


def test_a_budget_that_is_gone_shows_the_list(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_budget(monkeypatch, user, str(uuid4()))
    assert not page.exception
    assert "No budgets yet" in shown(page)


def test_new_budget_is_saved_with_its_thresholds(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(0, "3", metadata={"agent": "codex"}), usage(40, "5", model_name="o3")])
    page = open_budget(monkeypatch, user, "new")
    assert not page.exception
    assert page.selectbox(key="new-budget-agent").options == ["codex"]
    page.button(key="new-budget-save").click().run()
    assert "Enter a name." in shown(page).replace("\\", "")

    page.text_input(key="new-budget-name").set_value("Coding")
    page.selectbox(key="new-budget-model").set_value("o3")
    page.selectbox(key="new-budget-agent").set_value("codex")
    page.text_input(key="new-budget-amount").set_value("1,500.50")
    page.multiselect(key="new-budget-actual").set_value(["75"])
    page.button(key="new-budget-save").click().run()

    assert not page.exception
    [status] = data.load_budgets(user)
    budget = status.budget
    assert (budget.name, float(budget.amount), budget.scope.model_name) == ("Coding", 1500.5, "o3")
    assert (budget.scope.agent, budget.scope.environment, budget.scope.customer) == ("codex", None, None)
    assert {(one.kind, one.percent) for one in budget.thresholds} == {("actual", 75), ("forecast", 100)}
    assert "Budget Coding created." in [success.value.replace("\\", "") for success in page.success]


@pytest.mark.parametrize("amount", ["", "0", "-5", "many", "1000000000000"])
def test_impossible_limits_are_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, user: User, amount: str
) -> None:
    page = open_budget(monkeypatch, user, "new")
    page.text_input(key="new-budget-name").set_value("x")
    page.text_input(key="new-budget-amount").set_value(amount)
    page.button(key="new-budget-save").click().run()
    assert not page.exception
    assert "limit" in page.error[0].value
    assert data.load_budgets(user) == []


def test_saving_changes_limit_and_thresholds(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    budget = add_budget(user, "Month", "80", (("actual", 50), ("actual", 80)))
    page = open_budget(monkeypatch, user, budget)
    page.text_input(key=f"budget-{budget}-amount").set_value("90.5")
    page.multiselect(key=f"budget-{budget}-actual").set_value(["80", "100"])
    next(button for button in page.button if button.label == "Save").click().run()

    assert not page.exception
    [status] = data.load_budgets(user)
    assert status.limit == status.budget.amount
    assert float(status.limit) == 90.5
    assert {(one.kind, one.percent) for one in status.budget.thresholds} == {("actual", 80), ("actual", 100)}


def test_pausing_and_resuming(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_budget(monkeypatch, user, add_budget(user, "Month", "80"))
    page.button(key="pause_budget").click().run()
    assert not page.exception
    assert data.load_budgets(user)[0].budget.paused_at is not None
    page.button(key="pause_budget").click().run()
    assert data.load_budgets(user)[0].budget.paused_at is None


def test_a_paused_budget_has_spend_and_limit_only(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    before = date(2026, 10, 3)
    paused = status(
        id=str(uuid4()), name="Asleep", paused_at=datetime.now(UTC), spent={DAY: "100", before: "7"}
    )
    assert paused.outlook
    monkeypatch.setattr(data, "load_budgets", lambda _: [paused])
    listed = open_page(monkeypatch, user, "budgets")
    assert not listed.exception
    [row] = [str(one.proto.body) for one in listed.get("html") if 'class="tlyrow"' in str(one.proto.body)]
    assert "likely" not in row
    assert 'class="mark"' not in row
    assert not re.search('class="(range|ahead|risk)', row)

    detail = open_budget(monkeypatch, user, paused.budget.id)
    assert not detail.exception
    assert hero(detail).startswith("$100 of $600")
    assert "$500.00 left" in hero(detail)
    for word in ("likely", "chance", "a day", "last month", "No forecast"):
        assert word not in hero(detail)
    assert "Forecast of" not in shown(detail)
    assert "At this pace" not in shown(detail)


def test_overview_says_that_the_limit_is_paused(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(0, "3")])
    paused, part = add_budget(user, HOSTILE, "80"), add_budget(user, "Part", "2", model_name="gpt-5.2")
    data.pause_budget(user, paused, True)
    page = open_page(monkeypatch, user)
    assert page.button(key="budgets_link").label == "One budget is exceeded."
    assert read_markdown(page.button(key="paused_limit").label) == f"The limit “{HOSTILE}” is paused"

    data.pause_budget(user, part, True)
    page = open_page(monkeypatch, user)
    assert [button.label for button in page.button if button.label == "Set a limit"] == []
    button = page.button(key="paused_limit")
    assert read_markdown(button.label) == f"The limit “{HOSTILE}” is paused"
    button.click().run()
    assert page.query_params["budget"] in (paused, [paused])
    assert hero(page).startswith("$3 of $80")

    data.delete_budget(user, paused)
    label = open_page(monkeypatch, user).button(key="paused_limit").label
    assert read_markdown(label) == "The limit “Part” is paused"


def test_a_new_budget_says_that_its_forecast_comes(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    save(user, [usage(0, "3")])
    budget = add_budget(user, "Month", "80")
    job.execute("insert into private.worker_seen (seen_at) values (now()) on conflict do nothing")
    try:
        listed, detail = open_page(monkeypatch, user, "budgets"), open_budget(monkeypatch, user, budget)
    finally:
        job.execute("delete from private.worker_seen")
    for page in (listed, detail):
        assert "Updating the forecast…" in shown(page)
        assert "No forecast yet" not in plain(page)
        assert "Forecast ready within a minute" in plain(page)
    data.load_forecast_state.clear()
    assert "Forecast ready within a minute" not in plain(detail.run())
    assert "No forecast yet" in plain(detail)


def test_deleting_asks_first(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    budget = add_budget(user, HOSTILE, "80")
    dialog = open_dialog(
        monkeypatch, user, f"{confirm_deletion.__module__}:confirm_deletion", budget, HOSTILE
    )
    assert HOSTILE in shown(dialog)
    assert len(data.load_budgets(user)) == 1
    dialog.button(key="danger-confirm").click().run()
    data.forget_version(user)
    assert data.load_budgets(user) == []


def test_events_are_told_with_what_happened(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    budget = add_budget(user, "Month", "80")
    facts = {
        "budget": HOSTILE,
        "threshold": "actual",
        "percent": 80,
        "amount": "80",
        "spent": "70",
        "currency": "USD",
    }
    job.execute(ADD_EVENT, [user.user_id, budget, current_day().replace(day=1), Jsonb(facts)])
    job.execute(ADD_DELIVERY, [budget])

    page = open_budget(monkeypatch, user, budget)

    assert not page.exception
    assert "80% is reached" in plain(page)
    assert "$70.00" in plain(page)
    assert "2 attempts, last: No server answered" in plain(page)
    assert "on its way" not in plain(page)


def test_events_of_one_evaluation_are_told_highest_first(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    budget = add_budget(user, "Month", "80")
    with job.transaction():
        for day, percent in enumerate((80, 100, 50), start=1):
            facts = Jsonb({"budget": "Month", "threshold": "actual", "percent": percent})
            job.execute(ADD_EVENT, [user.user_id, budget, current_day().replace(day=day), facts])

    page = open_budget(monkeypatch, user, budget)

    told = re.findall(r"Budget “Month”:? (is exceeded|\d+% is reached)", plain(page))
    assert told == ["is exceeded", "80% is reached", "50% is reached"]


def test_channels_that_hear_of_a_budget_are_named(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    [slack, _] = [
        job.execute(ADD_CHANNEL, [user.user_id, kind, name]).fetchone() or [None]
        for kind, name in (("slack", "#ai-costs"), ("email", "Ann"))
    ]
    heard = add_budget(user, "Heard", "80")
    own = add_budget(user, "Slack only", "70")
    data.update_budget(
        user, own, data.BudgetDraft({"name": "Slack only"}, (("actual", 80),), (str(slack[0]),))
    )
    add_budget(user, "Without thresholds", "60", ())

    captions = [caption.value for caption in open_page(monkeypatch, user, "budgets").caption]

    assert captions.count(":material/forum: :material/mail:") == 1
    assert captions.count(":material/forum:") == 1
    assert captions.count("off") == 1
    page = open_budget(monkeypatch, user, heard)
    assert page.multiselect(key=f"budget-{heard}-channels").options == ["#ai-costs", "Ann"]


def test_only_admins_see_forms(
    monkeypatch: pytest.MonkeyPatch,
    user: User,
    job: psycopg.Connection[Any],
    upstream: AuthClient,
    new_account: Any,
) -> None:
    owner = new_team(job, user, person_split="everyone")
    budget = add_budget(owner, "Team", "80")
    member = join(job, owner, sign_in_user(upstream, new_account()), "member")

    page = open_page(monkeypatch, member, "budgets")
    assert opened(page) == ["Team"]
    assert "only admins change them" in shown(page)
    page.button(key=f"open-{budget}").click().run()
    assert not page.exception
    assert hero(page).startswith("$0 of $80")
    assert {button.label for button in page.button} & {"Pause", "Delete", "Save"} == set()
    page.query_params["budget"] = "new"
    assert "New budget" not in [header.value for header in page.run().header]


def test_unreachable_database_shows_a_message(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    monkeypatch.setenv("SUPABASE_URL", "http://127.0.0.1:9")
    page = open_page(monkeypatch, user, "budgets")
    assert not page.exception
    assert "cannot be reached" in shown(page)


def test_hero_of_the_overview_has_the_limit_of_the_whole_month(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    save(user, [usage(0, "3")])
    page = open_page(monkeypatch, user)
    page.button(key="budgets_link").click().run()
    assert "New budget" in [header.value for header in page.header]
    add_budget(user, "Part", "2", model_name="gpt-5.2")
    page = open_page(monkeypatch, user)
    assert " of $" not in hero(page)
    assert page.button(key="budgets_link").label == "One budget is exceeded."
    page.button(key="budgets_link").click().run()
    assert opened(page) == ["Part"]
    for other in ({"period": "week"}, {"counts_tax": False}, {"starts_on_day": 3}, {"measure": "tokens"}):
        add_budget(user, "Other", "1000", (), **other)
    data.pause_budget(user, add_budget(user, "Paused", "50"), True)
    assert " of $" not in hero(open_page(monkeypatch, user))
    add_budget(user, "Whole", "80")
    add_budget(user, "Newer", "90")
    assert hero(open_page(monkeypatch, user)).startswith("$3 of $80")
