"""`/metrics`: what a key may see, exact, in the format of Prometheus; and the dashboard for Grafana on it."""

import json
import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api import prometheus
from forecasting.jobs.schema import install_schema
from tally.core.paths import CHECKOUT
from tests.api.conftest import MakeKey
from tests.api.server import ApiServer
from tests.api.test_reading import record, save
from tests.database.teams import make_team
from tests.database_fixtures import Connection, Project, add_user

DASHBOARD = CHECKOUT / "deploy" / "grafana" / "tally.json"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are not kept, but where a test says so."""
    monkeypatch.setattr(prometheus, "FRESH_SECONDS", 0.0)


def scrape(api: ApiServer, key: str) -> Samples:
    """The samples of an answer by name and labels, without the workspace's."""
    answer = api.client(key).get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert answer.headers["cache-control"] == "no-store"
    return {
        (
            sample.name,
            tuple(sorted((k, v) for k, v in sample.labels.items() if not k.startswith("workspace"))),
        ): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def values(samples: Samples, name: str) -> dict[str, float]:
    """Values of a metric by its labels' values, joined."""
    return {",".join(v for _, v in labels): value for (one, labels), value in samples.items() if one == name}


def add_budget(database: Connection, workspace: UUID, name: str, **columns: object) -> None:
    """A budget of 100 dollars a month."""
    usual = {"workspace_id": workspace, "name": name, "amount": 100, "period": "month"} | columns
    names, marks = ", ".join(usual), ", ".join(["%s"] * len(usual))
    query = f"insert into public.budgets ({names}) values ({marks})"
    database.execute(query.encode(), list(usual.values()))


def test_spend_is_told_by_provider_and_basis_and_plans_apart(
    api: ApiServer, make_key: MakeKey, database: Connection, user: UUID
) -> None:
    save(
        database,
        user,
        record("0.25", input_tokens=7),
        record("1.5", cost_basis="billed"),
        record("3", provider="anthropic", model="claude-opus-4-5"),
        record("20", cost_basis="included"),
        record(None, model="nobody's"),
    )
    found = scrape(api, make_key("read"))
    assert values(found, "tally_spend_today_usd") == {
        "billed,openai": 1.5,
        "estimated,openai": 0.25,
        "estimated,anthropic": 3,
    }
    assert values(found, "tally_covered_month_usd") == {"openai": 20}
    assert values(found, "tally_tokens_today") == {"openai": 7, "anthropic": 0}
    assert values(found, "tally_records_month") == {"openai": 4, "anthropic": 1}
    assert values(found, "tally_unpriced_records_month") == {"": 1}


def test_empty_workspace_has_no_figures_and_no_error(api: ApiServer, make_key: MakeKey) -> None:
    found = scrape(api, make_key("read"))
    assert values(found, "tally_spend_today_usd") == {}
    assert values(found, "tally_unpriced_records_month") == {"": 0}


def test_budgets_are_told_with_their_state(
    api: ApiServer, make_key: MakeKey, database: Connection, user: UUID
) -> None:
    hostile = 'Team "A"\\ {} =1'
    add_budget(database, user, hostile, currency="USD")
    save(database, user, record("150"))
    found = scrape(api, make_key("read"))
    [(labels, limit)] = [(dict(key[1]), v) for key, v in found.items() if key[0] == "tally_budget_limit"]
    assert (labels["budget"], labels["unit"], limit) == (hostile, "USD", 100)
    assert list(values(found, "tally_budget_spent").values()) == [150]
    states = {dict(key[1])["state"]: value for key, value in found.items() if key[0] == "tally_budget_state"}
    assert states == {"on_track": 0, "likely": 0, "exceeded": 1, "no_forecast": 0, "paused": 0}


def test_sources_tell_their_last_data_and_count_rows(
    api: ApiServer, make_key: MakeKey, database: Connection, user: UUID
) -> None:
    for kind, name, enabled in (
        ("machine", "laptop", True),
        ("machine", "old", False),
        ("file", "f.csv", True),
    ):
        database.execute(
            """insert into public.imports (workspace_id, user_id, kind, filename, format, file_sha256,
                is_enabled, status, rows_read, rows_imported, rows_duplicate, rows_rejected, finished_at)
            values (%(user)s, %(user)s, %(kind)s, %(name)s, 'x', repeat('0', 64), %(enabled)s,
                'done', 10, 7, 2, 1, '2026-05-04T12:00:00Z')""",
            {"user": user, "kind": kind, "name": name, "enabled": enabled},
        )
    found = scrape(api, make_key("read"))
    [(labels, seen)] = [(dict(k[1]), v) for k, v in found.items() if k[0].endswith("_data_timestamp_seconds")]
    assert (labels["source"], labels["kind"]) == ("laptop", "machine")
    assert seen == datetime(2026, 5, 4, 12, tzinfo=UTC).timestamp()
    rows = {dict(k[1])["outcome"]: v for k, v in found.items() if k[0] == "tally_source_rows_total"}
    assert rows == {"added": 7, "already_there": 2, "rejected": 1}


def test_key_sees_its_own_workspace_and_project_alone(
    api: ApiServer, make_key: MakeKey, database: Connection, user: UUID, project: Project
) -> None:
    team = make_team(project, database)
    web = team["owner"].add_project("Web")
    other = add_user(database)
    save(database, other, record("1000"))
    save(database, user, record("5"))
    save(database, team["owner"].id, record("2", project_id=str(web)), record("3"), workspace=team.id)
    add_budget(database, team.id, "All")
    add_budget(database, team.id, "Web", project_id=web)
    owner = team["owner"].id
    whole = scrape(api, make_key("read", owner=owner, workspace=team.id))
    one = scrape(api, make_key("read", owner=owner, workspace=team.id, project_id=str(web)))
    assert values(scrape(api, make_key("read")), "tally_spend_month_usd") == {"estimated,openai": 5}
    assert values(whole, "tally_spend_month_usd") == {"estimated,openai": 5}
    assert values(one, "tally_spend_month_usd") == {"estimated,openai": 2}
    assert len(values(whole, "tally_budget_limit")) == 2
    assert [name.split(",")[0] for name in values(one, "tally_budget_limit")] == ["Web"]
    assert not values(one, "tally_last_run_success")


def test_member_who_may_not_see_totals_sees_own_costs(
    api: ApiServer, make_key: MakeKey, database: Connection, project: Project
) -> None:
    team = make_team(project, database, "owner", "ann")
    database.execute("update public.workspaces set person_split = 'own' where id = %s", [team.id])
    for person, usd in (("owner", "3"), ("ann", "2")):
        save(database, team[person].id, record(usd), workspace=team.id)
    found = scrape(api, make_key("read", owner=team["ann"].id, workspace=team.id))
    assert values(found, "tally_spend_month_usd") == {"estimated,openai": 2}


def test_installation_is_told_to_its_owner_alone(
    api: ApiServer, make_key: MakeKey, database: Connection
) -> None:
    owner = add_user(database)
    database.execute("update auth.users set created_at = now() - interval '1 day' where id = %s", [owner])
    key, other = make_key("read", owner=owner, workspace=owner), make_key("read")
    assert values(scrape(api, key), "tally_jobs") == {"todo": 0, "doing": 0, "failed": 0}
    install_schema(database)
    database.execute("set search_path = jobs, public")
    database.execute(
        """insert into jobs.procrastinate_jobs (queue_name, task_name, status)
        values ('q', 't', 'todo'), ('q', 't', 'todo'), ('q', 't', 'failed'), ('q', 't', 'succeeded')"""
    )
    database.execute("update jobs.procrastinate_events set at = now() - interval '1 hour'")
    try:
        found = scrape(api, key)
    finally:
        database.execute("drop schema jobs cascade")
        database.execute("reset search_path")
    assert values(found, "tally_jobs") == {"todo": 2, "doing": 0, "failed": 1}
    assert 3_600 <= values(found, "tally_jobs_oldest_seconds")[""] < 3_700
    assert not [name for name, _ in scrape(api, other) if name.startswith("tally_jobs")]


def test_answer_is_kept_for_some_seconds_by_key(
    api: ApiServer, make_key: MakeKey, database: Connection, user: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prometheus, "FRESH_SECONDS", 3_600.0)
    key = make_key("read")
    before = scrape(api, key)
    save(database, user, record("5"))
    assert scrape(api, key) == before
    assert values(scrape(api, make_key("read")), "tally_spend_month_usd") == {"estimated,openai": 5}


def test_key_that_may_not_read_is_refused(api: ApiServer, make_key: MakeKey) -> None:
    assert api.client(make_key("ingest")).get("/metrics").status_code == 403
    assert api.client(None).get("/metrics").status_code == 401
    assert api.client(make_key("read")).post("/metrics").status_code == 405
    head = api.client(make_key("read")).head("/metrics")
    assert (head.status_code, head.text) == (200, "")


def queries() -> list[tuple[str, str]]:
    """The queries of the dashboard with the titles of their panels."""
    told = json.loads(DASHBOARD.read_text())
    return [
        (panel["title"], target["expr"]) for panel in told["panels"] for target in panel.get("targets", ())
    ]


def legends() -> str:
    """What names the series of the dashboard."""
    told = json.loads(DASHBOARD.read_text())
    return " ".join(target["legendFormat"] for panel in told["panels"] for target in panel.get("targets", ()))


def test_dashboard_asks_for_what_is_told(api: ApiServer, make_key: MakeKey) -> None:
    answer = api.client(make_key("read")).get("/metrics").text  # a first account owns the installation
    told = {family.name for family in text_string_to_metric_families(answer)}
    assert queries()
    labels = set(re.findall(r"[(\"]([a-z_]+)\"", (CHECKOUT / "api" / "measures.py").read_text()))
    for title, expression in queries():
        names = set(re.findall(r"\btally_[a-z_]+", expression))
        assert names, title
        assert {name.removesuffix("_total") for name in names} <= told, title
        asked = set(re.findall(r"([a-z_]+)(?:=|!=|=~)\"", expression))
        asked |= {
            one.strip() for group in re.findall(r"by \(([^)]*)\)", expression) for one in group.split(",")
        }
        assert asked <= labels, (title, asked - labels)
    assert set(re.findall(r"\{\{(\w+)\}\}", legends())) <= labels


def test_dashboard_has_the_shape_that_grafana_imports() -> None:
    told: dict[str, Any] = json.loads(DASHBOARD.read_text())
    assert told["uid"] == "tally"
    assert told["schemaVersion"] >= 36
    assert [one["name"] for one in told["templating"]["list"]] == ["datasource", "workspace"]
    ids = [panel["id"] for panel in told["panels"]]
    assert len(ids) == len(set(ids))
    places = [panel["gridPos"] for panel in told["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    cells = [
        (x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])
    ]
    assert len(cells) == len(set(cells)), "panels overlap"
    for panel in told["panels"]:
        if panel["type"] != "row":
            assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert panel["title"]
            assert panel["targets"]
