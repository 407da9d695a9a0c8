"""search: what one may read is found, best first, and nothing else, whatever is asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.database.teams import COLLEAGUES, Team, make_team
from tests.database.test_saving import record
from tests.database.test_traces import llm
from tests.database_fixtures import Connection, Project

NOW = datetime.now(UTC)
SPLITS = ("own", "admins", "everyone")
KINDS = (
    "audit", "budget", "experiment", "invoice", "model", "project", "prompt", "provider", "record", "session",
    "source", "trace",
)  # fmt: skip
# What row-level security shows a person of each kind: the titles.
SHOWN = {
    "audit": "select id::text from public.audit_logs where workspace_id = %s",
    "budget": "select name from public.budgets where workspace_id = %s",
    "experiment": "select name from public.experiments where workspace_id = %s",
    "invoice": "select seller || ' ' || number from public.invoices where workspace_id = %s",
    "project": "select name from public.projects where workspace_id = %s",
    "prompt": "select name from public.prompts where workspace_id = %s",
    "record": """select metadata ->> 'note' from public.cost_records
        where metadata ? 'note' and workspace_id = %s""",
    "session": """select coalesce(metadata ->> 'session', metadata ->> 'session_id') from public.cost_records
        where metadata ?| array['session', 'session_id'] and workspace_id = %s
        union select session from public.traces where session <> '' and workspace_id = %s""",
    "source": "select filename from public.imports where workspace_id = %s",
    "trace": "select name from public.traces where workspace_id = %s",
}


@dataclass(frozen=True)
class Scene:
    """A workspace with something of each kind, also in a private project that only admins see."""

    database: Connection
    team: Team

    def find(self, who: str, asked: str, *kinds: str, most: int = 50) -> list[dict[str, Any]]:
        """What a person finds."""
        query = "select public.search(%s, %s, %s::text[], %s)"
        values = [self.team.id, asked, list(kinds) or None, most]
        [[found]] = self.team[who].connection.execute(query, values).fetchall()
        return list(found)

    def share(self, split: str) -> None:
        """Choose whose rows members read."""
        query = "update public.workspaces set person_split = %s where id = %s"
        self.database.execute(query, [split, self.team.id])

    def titles(self, who: str, asked: str, *kinds: str) -> list[str]:
        return [hit["title"] for hit in self.find(who, asked, *kinds)]


def used(
    hours_ago: float, model: str = "gpt-5", request: str | None = None, **metadata: str
) -> dict[str, Any]:
    at = (NOW - timedelta(hours=hours_ago)).isoformat()
    provider = "anthropic" if model.startswith("claude") else "openai"
    return record(
        timestamp=at, provider=provider, model_name=model, cost_usd="1", request_id=request, metadata=metadata
    )


@pytest.fixture(scope="module")
def scene(module_project: Project) -> Iterator[Scene]:
    with module_project.connect() as database:
        team = make_team(module_project, database, *COLLEAGUES)
        admin, ann, bob = team["admin"], team["ann"], team["bob"]
        admin.add_project("Website")
        secret = admin.add_project("Zebra secret", is_private=True)
        ann.save(
            ann.add_source(name="zebra-ann.csv"),
            used(
                2,
                "claude-opus-4-5",
                "req_ann_1",
                session="zebra ann",
                agent="codex",
                repository="shop/garden",
            ),
            used(5, session_id="s-café 2", note="zebra paid by Ann"),
            used(6, session="naïve-run", agent="claude-code"),
            used(7, session="日本語の会話"),
        )
        bob.save(
            bob.add_source(name="zebra-bob.csv"),
            used(1, "zebra-model", "req_bob_1", session="zebra bob", note="zebra paid by Bob"),
        )
        admin.save(
            admin.add_source(name="zebra-admin.csv"),
            used(3, "secret-model", "req_secret_1", session="zebra secret", note="zebra paid secretly"),
        )
        admin.choose(secret, "model_name = 'secret-model'")
        in_project = {"project_id": str(secret)}
        for nth, (person, name, more) in enumerate(
            (
                (ann, "zebra trace ann", {}),
                (bob, "zebra trace bob", {}),
                (admin, "zebra trace secret", in_project),
            )
        ):
            span = llm(1, trace_id=f"{nth + 10:032x}", name=name, service="api", session=f"zebra chat {nth}")
            person.ask("save_spans", spans=[span | more])
        _add_lists(database, team, str(secret))
        yield Scene(database, team)


def _add_lists(database: Connection, team: Team, secret: str) -> None:
    given = {"team": team.id, "secret": secret, "bob": team["bob"].id}
    for name, project, user in (
        ("zebra all", None, None),
        ("zebra secret", secret, None),
        ("zebra bob", None, given["bob"]),
    ):
        database.execute(
            """insert into public.budgets (workspace_id, name, amount, project_id, user_id)
            values (%s, %s, 50, %s, %s)""",
            [team.id, name, project, user],
        )
    database.execute(
        """insert into public.prompts (workspace_id, name, project_id)
        values (%(team)s, 'zebra prompt', null), (%(team)s, 'zebra hidden prompt', %(secret)s)""",
        given,
    )
    database.execute(
        """insert into public.experiments (workspace_id, name, project_id)
        values (%(team)s, 'zebra experiment', null), (%(team)s, 'zebra hidden', %(secret)s)""",
        given,
    )
    database.execute(
        """insert into public.invoices (
            workspace_id, provider_id, seller, number, kind, issued_on, currency, subtotal, total
        )
        select %(team)s, p.id, 'Zebra Ltd', 'Z-1', 'credits', '2026-05-01', 'USD', 10, 10
        from public.providers as p where p.name = 'openai'""",
        given,
    )


@pytest.mark.parametrize("split", SPLITS)
def test_each_person_finds_what_row_level_security_shows(scene: Scene, split: str) -> None:
    scene.database.execute(
        "update public.workspaces set person_split = %s where id = %s", [split, scene.team.id]
    )
    for who in COLLEAGUES:
        connection = scene.team[who].connection
        found = scene.find(who, "zebra")
        for kind, query in SHOWN.items():
            rows = connection.execute(query.encode(), [scene.team.id] * query.count("%s")).fetchall()
            shown = {row[0] for row in rows}
            hits = {hit["id"] if kind == "audit" else hit["title"] for hit in found if hit["kind"] == kind}
            if kind == "audit":
                assert hits <= shown, (who, kind)
                assert bool(hits) == (who in ("owner", "admin")), (who, kind)
            else:
                assert hits == {title for title in shown if "zebra" in title.lower()}, (who, kind)
        names = scene.team[who].ask("model_names")
        assert set(scene.titles(who, "", "model")) == set(names), who
        for request in ("req_ann_1", "req_bob_1", "req_secret_1"):
            may_read = connection.execute(
                "select count(*) from public.cost_records where request_id = %s", [request]
            ).fetchone()
            assert len(scene.titles(who, request, "record")) == (may_read or (0,))[0], (who, request)


def test_what_is_found_by_admins_alone_is_not_all_there_is(scene: Scene) -> None:
    """The scene above hides something of each kind, or it would prove nothing."""
    scene.share("own")
    for kind in SHOWN.keys() - {"invoice"}:
        mine, everything = (set(scene.titles(who, "zebra", kind)) for who in ("ann", "admin"))
        assert mine < everything, kind
    assert scene.titles("ann", "zebra", "invoice") == []  # members see own costs only
    assert scene.titles("admin", "zebra", "invoice") == ["Zebra Ltd Z-1"]


def test_who_is_no_member_is_refused(scene: Scene, module_project: Project) -> None:
    stranger = make_team(module_project, scene.database, "owner")["owner"]
    for function, more in (
        ("search", {"asked": "a"}),
        ("search_usage", {"asked": "a", "kinds": None, "most": 8}),
        ("search_lists", {"kinds": None}),
    ):
        with pytest.raises(psycopg.Error, match="not a member"):
            stranger.call(function, workspace=scene.team.id, **more)


def test_slips_accents_case_and_other_scripts_are_understood(scene: Scene) -> None:
    for asked, kind, title in (
        ("antropic", "provider", "Anthropic"),
        ("anthropic", "model", "claude-opus-4-5"),
        ("opsu", "model", "claude-opus-4-5"),
        ("OPUS claude", "model", "claude-opus-4-5"),
        ("claude-opis", "model", "claude-opus-4-5"),
        ("websiet", "project", "Website"),
        ("WÉB", "project", "Website"),
        ("cafe", "session", "s-café 2"),
        ("CAFÉ", "session", "s-café 2"),
        ("naive", "session", "naïve-run"),
        ("garden", "session", "zebra ann"),
        ("codex shop", "session", "zebra ann"),
        ("日本", "session", "日本語の会話"),
        ("会", "session", "日本語の会話"),
        (f"{10:032x}", "trace", f"{10:032x}"),
        ("zebra trace an", "trace", "zebra trace ann"),
    ):
        expected = "" if len(asked) == 1 else title
        assert (scene.titles("owner", asked, kind) or [""])[0] == expected, asked


def test_the_best_of_a_kind_comes_first_and_kinds_by_their_best(scene: Scene) -> None:
    owner = scene.team["owner"]
    owner.save(
        None,
        used(1, session="an older rank"), used(2, session="rank"), used(3, session="rank and file"),
        used(4, session="prank"), used(5, session="other", agent="rank"), used(8, session="frnak"),
    )  # fmt: skip
    expected = ["rank", "rank and file", "an older rank", "prank", "other"]
    assert scene.titles("owner", "rank", "session") == expected
    scores = [hit["score"] for hit in scene.find("owner", "rank", "session")]
    assert scores == [110, 95, 75, 55, 40]
    owner.ask("create_project", name="Rank", is_private=False)
    found = scene.find("owner", "ran")
    kinds = [hit["kind"] for hit in found]
    assert kinds == sorted(kinds, key=kinds.index)  # each kind once
    scene.database.execute("delete from public.cost_records where user_id = %s", [owner.id])
    assert "rank" not in scene.titles("owner", "rank", "session")


def test_without_words_the_newest_are_found(scene: Scene) -> None:
    assert scene.titles("admin", "", "session")[:3] == [f"zebra chat {nth}" for nth in range(3)]
    assert "Website" in scene.titles("ann", " \t ", "project")
    assert "Zebra secret" not in scene.titles("ann", "", "project")
    assert scene.titles("admin", "", "audit", "record") == []


def test_answers_are_bounded_and_refused_in_words(scene: Scene) -> None:
    assert len(scene.find("admin", "zebra", "session", most=2)) == 2
    for more, reason in (
        ({"asked": "x" * 201}, "at most 200 characters"),
        ({"asked": None}, "at most 200 characters"),
        ({"asked": "x", "most": 0}, "1 to 100"),
        ({"asked": "x", "most": 101}, "1 to 100"),
        ({"asked": "x", "most": None}, "1 to 100"),
    ):
        with pytest.raises(psycopg.Error, match=reason):
            scene.team["ann"].ask("search", **more)
    assert scene.find("ann", "zebra", "no such kind") == []


def test_sessions_of_records_and_of_traces_are_told_apart(scene: Scene) -> None:
    places = {hit["title"]: hit["place"] for hit in scene.find("admin", "zebra", "session")}
    assert places["zebra ann"] == "session"
    assert places["zebra chat 0"] == "conversation"


def test_the_log_is_found_by_who_did_what(scene: Scene) -> None:
    admin = scene.team["admin"]
    email = f"{admin.id}@example.org"
    found = scene.find("owner", email, "audit")
    assert {hit["about"]["actor_email"] for hit in found} == {email}
    assert scene.find("owner", "insert projects website", "audit")[0]["about"]["after"]["name"] == "Website"


TEXTS = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=200),
    st.sampled_from(
        [
            "%",
            "_",
            "\\",
            "'",
            "' or true --",
            "$1",
            "%s",
            "%%",
            "a\\",
            "\u202e",
            "zebra %",
            "(",
            "[",
            "|&!:*",
            "\ufdfa",
        ]
    ),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS)
def test_hostile_texts_find_what_contains_them(scene: Scene, asked: str) -> None:
    scene.share("own")
    hits = scene.find("ann", asked)
    assert {hit["kind"] for hit in hits} <= set(KINDS)
    assert not [hit for hit in hits if "secret" in hit["title"] or "bob" in hit["title"]]
    for wildcard in ("%", "_"):
        if wildcard in asked:
            assert not [
                hit for hit in hits if hit["score"] >= 40 and wildcard not in f"{hit['title']}{hit['detail']}"
            ]
