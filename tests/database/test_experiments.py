"""Experiments: runs are sessions of one variant, what is decided stays, and private projects stay private."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.database.teams import COLLEAGUES, Person, Team, make_team
from tests.database.test_saving import record
from tests.database_fixtures import Connection, Project, make_months

Variant = dict[str, Any]
MAY = "2026-05-01T00:00:00Z"
A: Variant = {"name": "A", "is_baseline": True, "match": {"model": "gpt-5"}}
B: Variant = {"name": "B", "match": {"model": "gpt-5-mini"}}


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    make_months(database, "2026-05-01")
    return make_team(project, database, *COLLEAGUES)


def start(person: Person, *variants: Variant, **details: Any) -> UUID:
    """Make a running experiment; returns its id."""
    given = {"name": "Cheaper", "starts_at": MAY, "primary_score": "correct"} | details
    made: UUID = person.ask("save_experiment", details=given | {"variants": [*(variants or (A, B))]})
    return made


def called(session: str | None, model: str = "gpt-5", **changes: Any) -> dict[str, Any]:
    metadata = ({"session": session} if session else {}) | changes.pop("metadata", {})
    return record(model_name=model, metadata=metadata, **changes)


def bring(person: Person, *runs: dict[str, Any], scores: list[dict[str, Any]] | None = None) -> Any:
    return person.ask("save_runs", experiment="Cheaper", runs=[*runs], scores=scores or [], source="api")


def read(person: Person, experiment: UUID) -> dict[str, list[Any]]:
    """Runs by session: variant, cost, input tokens, calls."""
    runs = person.call("read_experiment", experiment)["runs"]
    return {
        session: [variant, cost, tokens, calls]
        for _, variant, session, _, _, cost, tokens, _, calls, *_ in runs
    }


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(psycopg.Error) as caught:
        act()
    return str(caught.value).splitlines()[0]


def test_a_session_is_one_run_with_its_retries(team: Team) -> None:
    ann, experiment = team["ann"], start(team["ann"])
    failed = {"inference": {"status": "error", "duration_ms": 900}}
    ann.save(
        None,
        called("s1", cost_usd=None, cost_basis="estimated", input_tokens=0, output_tokens=0, metadata=failed),
        called("s1", cost_usd="0.5"),
        called(
            "s2", model="gpt-5-mini-2025-08-07", cost_usd="0.25", metadata={"inference": {"duration_ms": 800}}
        ),
        called("s3", model="claude-opus-4-5"),
        called("s4", timestamp="2026-04-30T23:59:59Z"),
    )
    gathered = ann.call("gather_runs", experiment)
    assert (gathered["found"], gathered["left_out"], gathered["without_session"]) == (2, 0, 0)
    assert read(ann, experiment) == {"s1": [1, "0.5000000000", 10, 2], "s2": [2, "0.2500000000", 10, 1]}
    latencies = [run[9] for run in ann.call("read_experiment", experiment)["runs"]]
    assert sorted(latencies) == [800, 900]


def test_longest_latency_of_a_run_is_that_of_a_year(team: Team) -> None:
    ann, experiment = team["ann"], start(team["ann"])
    slow = {"inference": {"duration_ms": 9_000_000_000}}
    ann.save(None, *(called("s1", input_tokens=tokens, metadata=slow) for tokens in range(10, 14)))
    ann.call("gather_runs", experiment)
    [run] = ann.call("read_experiment", experiment)["runs"]
    assert run[9] == 366 * 24 * 3600 * 1000


def test_a_session_of_two_variants_is_left_out_and_told(team: Team) -> None:
    ann, experiment = team["ann"], start(team["ann"])
    ann.save(None, called("s1"), called("s2"))
    ann.call("gather_runs", experiment)
    ann.save(None, called("s2", model="gpt-5-mini"), called(None), called("s3", model="gpt-5-mini"))
    gathered = ann.call("gather_runs", experiment)
    assert (gathered["left_out"], gathered["without_session"]) == (1, 1)
    assert {session: run[0] for session, run in read(ann, experiment).items()} == {"s1": 1, "s3": 2}


def test_variants_match_by_prompt_version_tag_and_agent(team: Team) -> None:
    ann = team["ann"]
    match = {"prompt": "refund", "prompt_version": "7"}
    experiment = start(
        ann,
        {"name": "7", "is_baseline": True, "match": match},
        {"name": "8", "match": match | {"prompt_version": "v8", "tag": "trial", "agent": "desk"}},
    )
    told = {"prompt": "Refund it?", "prompt_name": "refund"}  # `prompt` may be the text
    trial = told | {"prompt_version": "8", "tags": ["other", "trial"], "agent": "desk"}
    ann.save(
        None,
        called("s1", metadata=told | {"prompt_version": "v7"}),
        called("s2", metadata=trial),
        called("s3", metadata=trial | {"agent": "phone"}),
        called("s4", metadata=trial | {"tags": ["other"]}),
    )
    ann.call("gather_runs", experiment)
    assert {session: run[0] for session, run in read(ann, experiment).items()} == {"s1": 1, "s2": 2}


@pytest.mark.parametrize(
    ("variants", "sentence"),
    [
        ([A, B | {"match": {"provider": "openai"}}], "One call could be in variants A and B"),
        ([A, B | {"match": {"model": "GPT-5", "tag": "x"}}], "One call could be in variants A and B"),
        ([A, B | {"name": "a"}], "Two variants have the same name"),
        ([A], "2 to 6 variants"),
        ([A] * 7, "2 to 6 variants"),
        ([B, B | {"name": "C", "match": {}}], "Choose one variant as the baseline"),
        ([A, B | {"match": {"folder": "/x"}}], "cannot be matched by “folder”"),
        ([A, B | {"match": {"prompt_version": "7"}}], "names a version without its prompt"),
        ([A, {"match": {}}], "Give the variant a name"),
    ],
)
def test_variants_that_do_not_fit_together_are_refused(
    team: Team, variants: list[Variant], sentence: str
) -> None:
    assert sentence in refusal(lambda: start(team["ann"], *variants))


@pytest.mark.parametrize(
    ("details", "sentence"),
    [
        ({"name": " "}, "Give the experiment a name"),
        ({"margin": "NaN"}, "Give a margin above 0"),
        ({"margin": 0.6}, "Give a margin above 0"),
        ({"min_runs": 29}, "Plan 30 to 20,000 runs"),
        ({"ends_at": "2026-04-01"}, "ends before it starts"),
        ({"project_id": "11111111-1111-4111-8111-111111111111"}, "This project no longer exists"),
        ({"question": "?" * 301}, "300 characters"),
        ({"primary_score": "s" * 101}, "out of its bounds"),
        ({"starts_at": "soon"}, "out of its bounds"),
    ],
)
def test_details_out_of_bounds_are_refused(team: Team, details: dict[str, Any], sentence: str) -> None:
    assert sentence in refusal(lambda: start(team["ann"], **details))


def test_names_are_unique_in_a_workspace(team: Team) -> None:
    start(team["ann"])
    assert "of this name already" in refusal(lambda: start(team["bob"]))


def test_brought_runs_keep_their_figures_and_take_missing_ones_from_records(team: Team) -> None:
    ann, experiment = team["ann"], start(team["ann"])
    runs: list[dict[str, Any]] = [
        {"variant": "A", "session": "s1", "ok": True},
        {"variant": "A", "session": "s2", "cost_usd": "9", "calls": 1},
        {"variant": "B", "session": "s3", "cost_usd": "3"},
    ]
    assert bring(ann, *runs) == {"runs": 3, "scores": 0}
    assert bring(ann, *runs) == {"runs": 3, "scores": 0}
    ann.save(None, called("s1", cost_usd="0.5"), called("s2", cost_usd="7"), called("s3", cost_usd="7"))
    assert ann.call("gather_runs", experiment)["left_out"] == 1  # s3 was brought as a run of B
    found = read(ann, experiment)
    assert [found["s1"][1], found["s2"][1], found["s3"][1]] == [
        "0.5000000000",
        "9.0000000000",
        "3.0000000000",
    ]
    ann.save(None, called("s1", cost_usd="0.25"))
    ann.call("gather_runs", experiment)
    assert read(ann, experiment)["s1"][1] == "0.7500000000"


def test_a_run_in_two_variants_is_refused_and_nothing_is_saved(team: Team) -> None:
    ann, experiment = team["ann"], start(team["ann"])
    bring(ann, {"variant": "A", "session": "s1"})
    for runs in (
        [{"variant": "A", "session": "s2"}, {"variant": "B", "session": "s1"}],
        [{"variant": "A", "session": "s2"}, {"variant": "B", "session": "s2"}],
    ):
        assert "is in two variants, A and B" in refusal(partial(bring, ann, *runs))
    assert list(read(ann, experiment)) == ["s1"]
    assert "names the variant “C”" in refusal(lambda: bring(ann, {"variant": "C", "session": "s2"}))


@pytest.mark.parametrize(
    "run",
    [
        {"cost_usd": "NaN"},
        {"cost_usd": "-1"},
        {"input_tokens": -1},
        {"happened_at": "1999-01-01"},
        {"session": ""},
        {"latency_ms": "fast"},
    ],
)
def test_run_out_of_bounds_is_refused(team: Team, run: dict[str, Any]) -> None:
    start(team["ann"])
    assert "A run is out of its bounds" in refusal(
        lambda: bring(team["ann"], {"variant": "A", "session": "s1"} | run)
    )


@pytest.mark.parametrize(
    ("kind", "value"),
    [("number", "NaN"), ("number", "Infinity"), ("rating", 0), ("rating", 6), ("bool", 2), ("mood", 1)],
)
def test_score_out_of_bounds_is_refused(team: Team, kind: str, value: Any) -> None:
    start(team["ann"])
    bring(team["ann"], {"variant": "A", "session": "s1"})
    score = {"session": "s1", "name": "correct", "kind": kind, "value": value, "by": "code"}
    ask = {"experiment": "Cheaper", "scores": [score]}
    assert "A score is out of its bounds" in refusal(lambda: team["ann"].ask("save_scores", **ask))


def test_each_person_has_one_score_of_a_run(team: Team) -> None:
    ann, experiment = team["ann"], start(team["ann"])
    bring(ann, {"variant": "A", "session": "s1"})
    for person, value in (("ann", 0), ("bob", 1), ("ann", 1)):
        score = {"session": "s1", "name": "correct", "kind": "bool", "value": value, "by": "human"}
        team[person].ask("save_scores", experiment="Cheaper", scores=[score])
    scores = ann.call("read_experiment", experiment)["scores"]
    assert sorted((value, user) for *_, value, _, user in scores) == sorted(
        ("1", str(team[name].id)) for name in ("ann", "bob")
    )
    assert "no run “s9”" in refusal(
        lambda: ann.ask("save_scores", experiment="Cheaper", scores=[{"session": "s9"}])
    )


def test_what_is_decided_stays(team: Team) -> None:
    admin, ann = team["admin"], team["ann"]
    experiment = start(ann)
    bring(ann, {"variant": "A", "session": "s1"})
    decision = {"sentence": "B costs 38% less."}
    assert "role" in refusal(lambda: ann.call("decide_experiment", experiment, "B", decision))
    assert "no variant" in refusal(lambda: admin.call("decide_experiment", experiment, "C", decision))
    admin.call("decide_experiment", experiment, "B", decision)
    [listed] = ann.ask("list_experiments")
    assert (listed["status"], listed["decided_variant"], listed["sentence"]) == (
        "decided",
        "B",
        decision["sentence"],
    )
    assert listed["decided_by"] == str(admin.id)
    for act in (
        lambda: bring(ann, {"variant": "A", "session": "s2"}),
        lambda: ann.call("gather_runs", experiment),
        lambda: ann.ask("save_experiment", details={"id": str(experiment), "name": "Other"}),
        lambda: admin.call("decide_experiment", experiment, "A", decision),
    ):
        assert refusal(act)
    ann.call("move_experiment", experiment, "archived")
    ann.call("move_experiment", experiment, "running")
    assert ann.ask("list_experiments")[0]["status"] == "decided"
    admin.call("delete_experiment", experiment)
    assert ann.ask("list_experiments") == []


def test_judgement_of_a_started_experiment_only_becomes_stricter(team: Team) -> None:
    ann = team["ann"]
    experiment = start(ann, margin="0.05", min_runs=400)

    def change(**details: Any) -> Any:
        return ann.ask("save_experiment", details={"id": str(experiment)} | details)

    easier: list[tuple[dict[str, Any], str]] = [
        ({"min_runs": 399}, "stay at 400 or more"),
        ({"margin": "0.051"}, "margin can only become smaller"),
        ({"score_kind": "number", "margin": "0.05"}, "score and its kind stay"),
        ({"primary_score": None}, "score and its kind stay"),
        ({"starts_at": "2026-05-02T00:00:00Z"}, "first day can only become earlier"),
    ]
    for details, sentence in easier:
        assert sentence in refusal(partial(change, **details))
    change(status="draft")  # a way back would be a way around
    assert "stay at 400" in refusal(partial(change, min_runs=30))
    change(min_runs=400, margin="0.050", primary_score=" correct ")
    change(min_runs=401, margin="0.04", starts_at="2026-04-30T00:00:00Z", name="Stricter")
    kept = ann.call("read_experiment", experiment)["experiment"]
    assert (kept["status"], kept["min_runs"], kept["margin"], kept["name"]) == (
        "running",
        401,
        "0.04",
        "Stricter",
    )


def test_draft_may_change_until_it_has_runs(team: Team) -> None:
    ann = team["ann"]
    experiment = start(ann, status="draft", min_runs=400)
    details = {"id": str(experiment), "status": "draft"}
    ann.ask("save_experiment", details=details | {"min_runs": 50, "score_kind": "rating", "margin": "1"})
    bring(ann, {"variant": "A", "session": "s1"})
    assert "stay at 50 or more" in refusal(
        lambda: ann.ask("save_experiment", details=details | {"min_runs": 49})
    )


def test_variants_can_be_renamed_but_not_lose_their_runs(team: Team) -> None:
    ann, experiment = team["ann"], start(team["ann"])
    bring(ann, {"variant": "A", "session": "s1"})
    one, other = ann.call("read_experiment", experiment)["variants"]
    swapped = [one | {"name": "B"}, other | {"name": "A"}]
    ann.ask("save_experiment", details={"id": str(experiment), "variants": swapped})
    assert [each["name"] for each in ann.call("read_experiment", experiment)["variants"]] == ["B", "A"]
    assert "has runs, so it stays" in refusal(
        lambda: ann.ask(
            "save_experiment", details={"id": str(experiment), "variants": [A | {"name": "X"}, other]}
        )
    )


def test_private_projects_stay_private(team: Team) -> None:
    admin, bob = team["admin"], team["bob"]
    secret = admin.add_project("Secret", is_private=True)
    shared, private = start(admin), start(admin, name="Private", project_id=str(secret))
    admin.save(None, called("s1"), called("s2"))
    admin.choose(secret, "metadata ->> 'session' = 's2'")
    for experiment in (shared, private):
        admin.call("gather_runs", experiment)
    assert (list(read(admin, shared)), list(read(admin, private))) == (["s1"], ["s2"])
    assert [each["name"] for each in bob.ask("list_experiments")] == ["Cheaper"]
    assert "no longer exists" in refusal(lambda: bob.call("read_experiment", private))
    show_everyone(team)
    rows = bob.connection.execute("select distinct experiment_id from public.experiment_runs").fetchall()
    assert rows == [(shared,)]


def show_everyone(team: Team) -> None:
    """Show persons' costs to everyone."""
    names = {"name": None, "timezone": None, "currency": None}
    team["owner"].ask("update_workspace", **names, person_split="everyone")


def test_runs_of_others_are_figures_for_those_who_see_no_persons(team: Team) -> None:
    """Costs and scores of all count, but none is that of a session; own runs are rows."""
    ann, bob, experiment = team["ann"], team["bob"], start(team["ann"])
    costs = {"a1": "0.5000000000", "a2": "0.6000000000", "b1": "0.7000000000", "both": "0.9000000000"}
    ann.save(None, called("a1", cost_usd="0.5"), called("a2", cost_usd="0.6"), called("both", cost_usd="0.4"))
    bob.save(None, called("b1", cost_usd="0.7"), called("both", cost_usd="0.5"))
    ann.call("gather_runs", experiment)
    bring(ann, {"variant": "B", "session": "f1", "cost_usd": "0.1"})
    scores = [
        {"session": session, "name": "correct", "kind": "bool", "value": value, "by": "human"}
        for session, value in (("a1", 1), ("f1", 0))
    ]
    ann.ask("save_scores", experiment="Cheaper", scores=scores)

    def shown(name: str) -> dict[str, str]:
        answer = team[name].call("read_experiment", experiment)
        assert sorted(cost for _, _, _, _, _, cost, *_ in answer["runs"]) == sorted(
            [*costs.values(), "0.1000000000"]
        )
        assert sorted(value for _, _, value, *_ in answer["scores"]) == ["0", "1"]
        assert {score[0] for score in answer["scores"]} <= {run[0] for run in answer["runs"]}
        hidden = [run for run in answer["runs"] if not run[2]]
        assert all(run[4].startswith("2026-") and "T00:00:00+00:00" in run[4] for run in hidden)
        waiting = {session: run for run, session, _ in answer["to_rate"]}
        assert not waiting.keys() & {run[0] for run in answer["runs"]}
        return {session: cost for _, _, session, _, _, cost, *_ in answer["runs"] if session}

    def rows(name: str) -> set[str]:
        query = "select session from public.experiment_runs"
        return {session for (session,) in team[name].connection.execute(query).fetchall()}

    def to_rate(name: str) -> set[str]:
        return {one for _, one, _ in team[name].call("read_experiment", experiment)["to_rate"]}

    brought = {"f1": "0.1000000000"}
    assert shown("owner") == shown("admin") == costs | brought
    assert shown("ann") == {session: costs[session] for session in ("a1", "a2")} | brought
    assert shown("bob") == {"b1": costs["b1"]} | brought
    assert shown("viewer") == brought
    assert [rows(name) for name in ("owner", "ann", "bob", "viewer")] == [{*costs, "f1"}, *[{"f1"}] * 3]
    assert [to_rate(name) for name in ("owner", "ann", "bob", "viewer")] == [
        set(), {"b1", "both"}, {"a2", "both"}, set(),
    ]  # fmt: skip
    show_everyone(team)
    assert shown("bob") == shown("viewer") == costs | brought
    assert rows("viewer") == {*costs, "f1"}


def test_bringing_a_session_of_another_person_tells_nothing_of_it(team: Team) -> None:
    ann, bob, experiment = team["ann"], team["bob"], start(team["ann"])
    ann.save(None, called("a1", cost_usd="0.5"), called("a2", cost_usd="0.6"))
    bring(bob, {"variant": "A", "session": "a1"})
    ann.call("gather_runs", experiment)
    bring(bob, {"variant": "A", "session": "a2"})
    assert set(read(bob, experiment)) == {""}
    assert bob.connection.execute("select from public.experiment_runs").fetchall() == []
    assert set(read(ann, experiment)) == {"a1", "a2"}


def test_where_members_see_their_own_costs_only_they_see_no_experiment(
    team: Team, database: Connection
) -> None:
    experiment = start(team["admin"])
    bring(team["admin"], {"variant": "A", "session": "s1"})
    database.execute("update public.workspaces set person_split = 'own' where id = %s", [team.id])
    bob = team["bob"]
    assert bob.ask("list_experiments") == []
    assert bob.connection.execute("select from public.scores").fetchall() == []
    assert "no longer exists" in refusal(lambda: bob.call("gather_runs", experiment))
    assert "no longer exists" in refusal(lambda: bring(bob, {"variant": "A", "session": "s2"}))


def test_viewers_read_and_strangers_do_not(
    team: Team, as_user: Callable[[UUID], Connection], stranger: UUID
) -> None:
    experiment = start(team["ann"])
    viewer = team["viewer"]
    assert viewer.call("read_experiment", experiment)["experiment"]["name"] == "Cheaper"
    assert "role" in refusal(lambda: viewer.call("gather_runs", experiment))
    assert "role" in refusal(lambda: viewer.call("move_experiment", experiment, "archived"))
    other = as_user(stranger)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="no longer exists"):
        other.execute("select public.read_experiment(%s)", [experiment])
