"""Programs read what the pages show: exact sums of the key's workspace and project, as its owner may."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tally.core.records import CostRecord, to_columns
from tally.storage.postgres import PostgresDatabase
from tests.api.conftest import MakeKey
from tests.api.server import ApiServer
from tests.database.teams import make_team
from tests.database_fixtures import Connection, Project, add_user
from tests.days import current_day
from tests.tally.advice.pieces import keep_pieces, make_piece

NOW = datetime.now(UTC).replace(microsecond=0)


def record(usd: str | None, model: str = "gpt-5", days_ago: int = 0, **others: Any) -> CostRecord:
    usual: dict[str, Any] = {"provider": "openai", "cost_basis": "estimated", "request_count": 1}
    cost = None if usd is None else Decimal(usd)
    return CostRecord(
        timestamp=NOW - timedelta(days=days_ago),
        model_name=model,
        cost_usd=cost,
        source_key=uuid4(),
        **usual | others,
    )


def save(database: Connection, user: UUID, *records: CostRecord, workspace: UUID | None = None) -> None:
    answer = PostgresDatabase(database, user, workspace).call(
        "save_cost_records", import_id=None, records=to_columns(records)
    )
    assert answer["rejected"] == []


@pytest.fixture
def client(api: ApiServer, make_key: MakeKey) -> httpx.Client:
    return api.client(make_key("read"))


def read(client: httpx.Client, address: str, **query: str) -> dict[str, Any]:
    answer = client.get(address, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()
    return found


def test_costs_are_exact_and_plans_are_worth_but_not_spent(
    client: httpx.Client, database: Connection, user: UUID
) -> None:
    save(
        database,
        user,
        record("0.0000000001", input_tokens=7, output_tokens=3),
        record("1.1", model="claude-opus-4-5", provider="anthropic", cached_input_tokens=5, input_tokens=9),
        record("20", cost_basis="included"),
        record(None),
    )
    found = read(client, "/v1/costs")
    assert (found["currency"], found["timezone"], found["to"]) == ("USD", "UTC", current_day().isoformat())
    assert found["from"] == current_day().replace(day=1).isoformat()
    assert found["total"] == {
        "cost_usd": "1.1000000001",
        "included_usd": "20",
        "tokens": 19,
        "input_tokens": 16,
        "output_tokens": 3,
        "cached_input_tokens": 5,
        "cache_write_tokens": 0,
        "requests": 4,
        "unpriced_records": 1,
    }
    assert [(day["day"], day["cost_usd"]) for day in found["groups"]] == [
        (current_day().isoformat(), "1.1000000001")
    ]


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("provider", [("anthropic", "3"), ("openai", "2")]),
        ("model", [("claude-opus-4-5", "3"), ("gpt-5", "1.5"), ("gpt-5-mini", "0.5")]),
    ],
)
def test_costs_by_a_dimension_are_dearest_first_and_add_up(
    client: httpx.Client, database: Connection, user: UUID, group: str, expected: list[tuple[str, str]]
) -> None:
    save(
        database,
        user,
        record("1.5"),
        record("0.5", model="gpt-5-mini"),
        record("3", model="claude-opus-4-5", provider="anthropic"),
    )
    found = read(client, "/v1/costs", group_by=group)
    assert [(each[group], each["cost_usd"]) for each in found["groups"]] == expected
    assert sum(Decimal(each["cost_usd"]) for each in found["groups"]) == Decimal(found["total"]["cost_usd"])


def test_costs_by_what_calls_were_for_add_up_and_name_what_has_no_value(
    client: httpx.Client, database: Connection, user: UUID
) -> None:
    save(
        database,
        user,
        record("1.5", metadata={"agent": "claude-code", "end_user": "acme"}),
        record("3", metadata={"agent": "codex"}),
        record("20", cost_basis="included", metadata={"agent": "codex"}),
        record("0.5"),
    )
    found = read(client, "/v1/costs", group_by="agent")
    assert [(each["agent"], each["name"], each["cost_usd"]) for each in found["groups"]] == [
        ("codex", "codex", "3"),
        ("claude-code", "claude-code", "1.5"),
        (None, "No agent", "0.5"),
    ]
    assert found["groups"][0]["included_usd"] == "20"
    assert found["total"] == read(client, "/v1/costs")["total"]
    customers = read(client, "/v1/costs", group_by="customer")
    assert [each["customer"] for each in customers["groups"]] == ["acme", None]


def test_key_of_a_project_counts_only_its_calls_by_a_dimension(
    api: ApiServer, make_key: MakeKey, project: Project, database: Connection
) -> None:
    team = make_team(project, database)
    shop = team["admin"].add_project("Shop")
    filed = record("2", project_id=str(shop), metadata={"agent": "codex"})
    save(database, team["admin"].id, filed, record("1", metadata={"agent": "other"}), workspace=team.id)
    key = make_key("read", owner=team["admin"].id, workspace=team.id, project_id=str(shop))
    found = read(api.client(key), "/v1/costs", group_by="agent")
    assert [(each["agent"], each["cost_usd"]) for each in found["groups"]] == [("codex", "2")]


def test_costs_of_a_period_have_both_of_its_ends(
    client: httpx.Client, database: Connection, user: UUID
) -> None:
    save(database, user, *(record("1", days_ago=days) for days in range(6)))
    first, last = (
        (current_day() - timedelta(days=4)).isoformat(),
        (current_day() - timedelta(days=2)).isoformat(),
    )
    found = read(client, "/v1/costs", **{"from": first, "to": last})
    assert (found["total"]["cost_usd"], len(found["groups"])) == ("3", 3)


def test_costs_by_project_and_person_have_their_names(
    api: ApiServer, make_key: MakeKey, project: Project, database: Connection
) -> None:
    team = make_team(project, database)
    ann = team["member"]
    shop = team["admin"].add_project("Shop")
    filed = record("2", project_id=str(shop))
    save(database, ann.id, filed, record("1"), workspace=team.id)
    key = make_key("read", owner=team["admin"].id, workspace=team.id)
    found = read(api.client(key), "/v1/costs", group_by="project")
    assert [(each["name"], each["cost_usd"]) for each in found["groups"]] == [
        ("Shop", "2"),
        ("Unassigned", "1"),
    ]
    people = read(api.client(key), "/v1/costs", group_by="person")
    assert [(each["name"], each["cost_usd"]) for each in people["groups"]] == [(f"{ann.id}@example.org", "3")]


def test_key_of_a_project_reads_that_project_alone(
    api: ApiServer, make_key: MakeKey, project: Project, database: Connection
) -> None:
    team = make_team(project, database)
    shop = team["admin"].add_project("Shop")
    filed = record("2", project_id=str(shop))
    save(database, team["member"].id, filed, record("1", model="gpt-4o"), workspace=team.id)
    key = make_key("read", owner=team["member"].id, workspace=team.id, project_id=str(shop))
    client = api.client(key)
    assert read(client, "/v1/costs")["total"]["cost_usd"] == "2"
    assert [model["model"] for model in read(client, "/v1/models")["models"]] == ["gpt-5"]
    assert read(client, "/v1/budget") == {"budgets": []}


def test_nobody_reads_another_account(
    api: ApiServer, make_key: MakeKey, database: Connection, user: UUID
) -> None:
    save(database, user, record("5"))
    stranger = make_key("read", owner=add_user(database))
    assert read(api.client(stranger), "/v1/costs")["total"]["cost_usd"] == "0"
    assert read(api.client(stranger), "/v1/models")["models"] == []


def test_models_have_their_list_prices(client: httpx.Client, database: Connection, user: UUID) -> None:
    save(database, user, record("1.5"), record("2", model="house-blend", provider="other"))
    house, gpt = read(client, "/v1/models")["models"]
    assert (house["model"], house["cost_usd"], house["list_price"]) == ("house-blend", "2", None)
    assert (gpt["model"], gpt["provider"], gpt["requests"]) == ("gpt-5", "openai", 1)
    assert gpt["list_price"]["input_usd_per_million"] == "1.25"
    assert gpt["list_price"]["output_usd_per_million"] == "10"
    assert gpt["list_price"]["cached_input_usd_per_million"] == "0.125"


def test_budget_is_told_as_pages_show_it(client: httpx.Client, database: Connection, user: UUID) -> None:
    PostgresDatabase(database, user).insert("budgets", {"name": "All", "amount": 10, "currency": "USD"})
    save(database, user, record("12"))
    [budget] = read(client, "/v1/budget")["budgets"]
    assert (budget["name"], budget["limit"], budget["spent"], budget["left"]) == ("All", "10", "12", "-2")
    assert budget["state"] == "Exceeded"


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("/v1/costs?group_by=colour", "group_by is one of day, month,"),
        ("/v1/costs?from=yesterday", "`from` is not a day such as 2026-01-31."),
        ("/v1/costs?from=2026-02-02&to=2026-02-01", "`from` is after `to`."),
        ("/v1/costs?from=1990-01-01&to=2026-01-01", "More than ten years"),
        ("/v1/costs?from=2026-01-01&from=2026-01-02", "The parameter from is there twice."),
        ("/v1/costs?user=x", "There is no parameter “user” here. It takes from, group_by, to."),
        ("/v1/budget?x=1", "There is no parameter “x” here. It takes none."),
        ("/v1/models?group_by=day", "There is no parameter “group_by” here."),
    ],
)
def test_question_that_cannot_be_answered_says_why(client: httpx.Client, address: str, sentence: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(sentence)


def test_other_methods_are_refused(client: httpx.Client) -> None:
    answer = client.post("/v1/costs")
    assert (answer.status_code, answer.json()["message"]) == (405, "This address takes GET and HEAD only.")


def test_advice_is_that_of_the_project_of_a_key_and_nobody_elses(
    api: ApiServer, make_key: MakeKey, project: Project, database: Connection, client: httpx.Client
) -> None:
    team = make_team(project, database)
    shop = str(team["admin"].add_project("Shop"))
    pieces = [make_piece("caching", project_id=shop), make_piece("batch")]
    keep_pieces(database, team.id, pieces, current_day())
    whole = api.client(make_key("read", owner=team["admin"].id, workspace=team.id))
    part = api.client(make_key("read", owner=team["admin"].id, workspace=team.id, project_id=shop))
    assert {one["kind"] for one in read(whole, "/v1/advice")["advice"]} == {"caching", "batch"}
    [found] = read(part, "/v1/advice")["advice"]
    assert (found["kind"], found["saving_usd"]) == ("caching", {"low": "20", "likely": "40", "high": "60"})
    assert read(whole, "/v1/advice", status="dismissed")["advice"] == []
    assert read(client, "/v1/advice")["advice"] == []
    refused = client.get("/v1/advice", params={"status": "all"})
    assert (refused.status_code, refused.json()["message"]) == (
        400,
        "`status` is one of open, applied, dismissed.",
    )
