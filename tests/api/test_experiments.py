"""Programs bring runs and scores of experiments: all of a request, or nothing."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from tally.experiments.stored import load_experiment, save_experiment
from tally.storage.postgres import PostgresDatabase
from tests.api.conftest import MakeKey
from tests.api.server import ApiServer
from tests.database_fixtures import Connection

NAME = "Refunds / Haiku?"
RUNS, SCORES = (
    "/v1/experiments/Refunds%20%2F%20Haiku%3F/runs",
    "/v1/experiments/Refunds%20%2F%20Haiku%3F/scores",
)


@pytest.fixture
def sender(api: ApiServer, make_key: MakeKey) -> httpx.Client:
    """A client with a key that may send."""
    return api.client(make_key("ingest"))


@pytest.fixture
def mine(database: Connection, user: UUID) -> PostgresDatabase:
    """The database as the keys' owner."""
    return PostgresDatabase(database, user)


@pytest.fixture
def experiment(mine: PostgresDatabase) -> str:
    variants = [{"name": "A", "is_baseline": True}, {"name": "B"}]
    return save_experiment(mine, {"name": NAME, "primary_score": "correct", "variants": variants})


def send(client: httpx.Client, *runs: dict[str, Any]) -> httpx.Response:
    return client.post(RUNS, json={"runs": [*runs]})


def test_runs_and_scores_are_kept_once(sender: httpx.Client, mine: PostgresDatabase, experiment: str) -> None:
    run = {"variant": "A", "session": "s1", "item_key": "q1", "cost_usd": "0.0418", "latency_ms": 900}
    for _ in range(2):
        answer = send(sender, run | {"scores": [{"name": "correct", "value": 0}]})
        assert (answer.status_code, answer.json()) == (200, {"runs": 1, "scores": 1})
    score = {"session": "s1", "name": "correct", "kind": "bool", "value": 1, "by": "code"}
    answer = sender.post(SCORES, json={"scores": [score]})
    assert (answer.status_code, answer.json()) == (200, {"scores": 1})
    [kept] = load_experiment(mine, experiment).runs
    assert (kept.session, kept.item_key, kept.source) == ("s1", "q1", "api")
    assert (str(kept.cost_usd), str(kept.score)) == ("0.0418000000", "1")


@pytest.mark.parametrize(
    ("runs", "sentence"),
    [
        ([{"variant": "C", "session": "s2"}], "names the variant “C”"),
        ([{"variant": "A", "session": "s2"}, {"variant": "B", "session": "s2"}], "in two variants"),
        ([{"variant": "A", "session": "s2", "scores": [{"name": "x", "value": "NaN"}]}], "not as described"),
        ([{"variant": "A", "session": "s2", "scores": [{"name": "x", "value": 3}]}], "not as described"),
        ([{"variant": "A", "session": ""}], "not as described"),
        ([], "not as described"),
    ],
)
def test_fault_refuses_the_whole_request_in_a_sentence(
    sender: httpx.Client, mine: PostgresDatabase, experiment: str, runs: list[dict[str, Any]], sentence: str
) -> None:
    answer = send(sender, *([{"variant": "A", "session": "s1"}, *runs] if runs else []))
    assert answer.status_code == 400
    assert sentence in answer.json()["message"]
    assert answer.json()["message"].endswith("Nothing was saved.")
    assert load_experiment(mine, experiment).runs == ()


@pytest.mark.usefixtures("experiment")
def test_unknown_experiment_and_run_are_said(sender: httpx.Client) -> None:
    answer = sender.post("/v1/experiments/Nothing/runs", json={"runs": [{"variant": "A", "session": "s"}]})
    assert (answer.status_code, "no experiment “Nothing”" in answer.json()["message"]) == (400, True)
    score = {"session": "s9", "name": "correct", "value": 1}
    answer = sender.post(SCORES, json={"scores": [score]})
    assert (answer.status_code, "no run “s9”" in answer.json()["message"]) == (400, True)


@pytest.mark.parametrize(
    ("score", "sentence"),
    [
        ({"value": 4, "kind": "rating"}, "are of the kind bool in this experiment, not rating. Send 0 or 1."),
        ({"value": True, "kind": "number"}, "not as described"),
    ],
)
def test_score_that_would_never_count_is_refused(
    sender: httpx.Client,
    mine: PostgresDatabase,
    experiment: str,
    score: dict[str, Any],
    sentence: str,
) -> None:
    run = {"variant": "A", "session": "s1"}
    refused = send(sender, run | {"scores": [{"name": "correct"} | score]})
    assert (refused.status_code, sentence in refused.json()["message"]) == (400, True)
    assert load_experiment(mine, experiment).runs == ()
    assert send(sender, run | {"scores": [{"name": "correct", "value": True}]}).status_code == 200
    assert [str(kept.score) for kept in load_experiment(mine, experiment).runs] == ["1"]


@pytest.mark.usefixtures("experiment")
def test_score_that_is_there_twice_is_refused(sender: httpx.Client) -> None:
    scores = [{"name": "correct", "value": value} for value in (1, 0)]
    answer = send(sender, {"variant": "A", "session": "s1", "scores": scores})
    assert answer.status_code == 400
    assert answer.json()["details"][0]["fault"] == "is there twice, with 1 and 0: send it once"
    assert send(sender, {"variant": "A", "session": "s1", "scores": scores[:1] * 2}).status_code == 200
    of_runs = [score | {"session": "s1"} for score in scores]
    assert sender.post(SCORES, json={"scores": of_runs}).json()["details"] == answer.json()["details"]


def test_key_of_a_project_brings_nothing_to_another_one(
    api: ApiServer, make_key: MakeKey, mine: PostgresDatabase
) -> None:
    web, shop = (mine.call("create_project", name=name, is_private=False) for name in ("Web", "Shop"))
    variants = [{"name": "A", "is_baseline": True}, {"name": "B"}]
    made = save_experiment(mine, {"name": "Theirs", "project_id": shop, "variants": variants})
    client = api.client(make_key("ingest", project_id=web))
    for name in ("Theirs", made, made.upper()):
        answer = client.post(
            f"/v1/experiments/{name}/runs", json={"runs": [{"variant": "A", "session": "s1"}]}
        )
        assert answer.status_code == 403, name
    assert load_experiment(mine, made).runs == ()


@pytest.mark.usefixtures("experiment")
def test_key_that_may_only_read_brings_nothing(api: ApiServer, make_key: MakeKey) -> None:
    answer = send(api.client(make_key("read")), {"variant": "A", "session": "s1"})
    assert answer.status_code == 403


def test_paths_without_a_name_are_no_addresses(sender: httpx.Client) -> None:
    for path in ("/v1/experiments//runs", "/v1/experiments/runs", "/v1/experiments/a/other"):
        assert sender.post(path, json={}).status_code == 404
