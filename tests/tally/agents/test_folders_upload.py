"""Folder rules while collecting: each request is in one workspace, and a private folder's never leave."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tally.agents.folder_rules import FolderRule, FolderRules, FolderRulesRefused, load_rules, save_rules
from tally.agents.machine import Machine
from tally.agents.payment import Payment
from tally.agents.read_positions import find_positions
from tally.agents.source import SourceResult
from tally.agents.upload import Selection, collect_into
from tally.importers.save import undo_import
from tally.local.stack import Stack
from tally.storage.database import Database, DatabaseError, Query
from tests.shared_connections import operator_connection
from tests.tally.agents.homes import (
    claude_row,
    codex_rows,
    codex_usage,
    json_lines,
    write_claude,
    write_codex,
)
from tests.tally.agents.test_other_agents import copilot_span, write_copilot
from tests.tally.agents.test_upload import FailingDatabase, machine_at, sources, stored
from tests.tally.people import Person, add_team, over_http, sign_up

HOME = "/home/ada"
SECRET, WORK, GARDEN = f"{HOME}/secret", f"{HOME}/work", f"{HOME}/garden"


@dataclass(frozen=True)
class Setting:
    """A machine of somebody with a personal workspace and a team's."""

    person: Person
    machine: Machine
    personal: Database
    team: Database

    def follow(self, *rules: FolderRule) -> None:
        save_rules(self.machine.folder, FolderRules(rules))

    def collect(self, database: Database | None = None, from_start: bool = False) -> list[SourceResult]:
        return collect_into(database or self.personal, self.machine, Selection(from_start=from_start))

    @property
    def requests(self) -> tuple[set[str], set[str]]:
        """The requests in the personal workspace and in the team's."""
        personal, team = (
            [record["request_id"] for record in stored(database)] for database in (self.personal, self.team)
        )
        assert len(set(personal + team)) == len(personal + team), "a request is in both"
        return set(personal), set(team)

    def to_team(self, path: str, **more: Any) -> FolderRule:
        return FolderRule(path, workspace="Acme", workspace_id=self.team.scope.workspace_id, **more)


@pytest.fixture
def setting(stack: Stack, tmp_path: Path) -> Setting:
    person = sign_up(stack)
    personal = over_http(stack, person)
    team = personal.in_workspace(add_team(stack, person, "Acme"))
    return Setting(person, machine_at(tmp_path), personal, team)


def row(message: str, folder: str | None, **more: Any) -> dict[str, Any]:
    return claude_row(message, f"req_{message}", **({"cwd": folder} | more))


def append(path: Path, *rows: object) -> None:
    path.write_bytes(path.read_bytes() + json_lines(rows))


def summary(results: Sequence[SourceResult]) -> list[tuple[str, int, int]]:
    return [(result.workspace_name, result.read, result.left_out) for result in results]


def everything_stored(stack: Stack, person: Person) -> str:
    """Every row that names the person, as one text."""
    with operator_connection(stack) as connection:
        rows = connection.execute(
            "select to_jsonb(i)::text from public.imports as i where user_id = %(id)s"
            " union all select to_jsonb(r)::text from public.cost_records as r where user_id = %(id)s"
            " union all select to_jsonb(s)::text from public.superseded_records as s where user_id = %(id)s",
            {"id": person.user_id},
        ).fetchall()
    return "\n".join(text for (text,) in rows)


def test_each_folder_goes_where_its_rule_says(setting: Setting, stack: Stack) -> None:
    setting.follow(FolderRule(SECRET, never=True), setting.to_team(WORK))
    log = write_claude(
        setting.machine.home,
        row("msg_1", GARDEN),
        row("msg_2", f"{WORK}/site", gitBranch="main"),
        row("msg_3", f"{SECRET}/diary", gitBranch="hidden", session="s-secret"),
        row("msg_4", f"{WORK}/../secret/", session="s-secret"),
    )
    assert summary(setting.collect()) == [("Personal", 1, 2), ("Acme", 1, 0)]
    assert setting.requests == ({"msg_1"}, {"msg_2"})
    [record] = stored(setting.team)
    assert (record["metadata"]["project"], record["metadata"]["branch"]) == ("site", "main")
    append(log, row("msg_5", SECRET), row("msg_6", WORK))
    assert summary(setting.collect()) == [("Personal", 0, 1), ("Acme", 1, 0)]
    assert setting.requests == ({"msg_1"}, {"msg_2", "msg_6"})
    text = everything_stored(stack, setting.person)
    assert not any(
        hidden in text for hidden in ("secret", "diary", "hidden", "msg_3", "msg_4", "msg_5", HOME)
    )


def test_workspace_without_requests_gets_no_source(setting: Setting) -> None:
    setting.follow(setting.to_team(WORK))
    write_claude(setting.machine.home, row("msg_1", GARDEN))
    setting.collect()
    assert (len(sources(setting.personal)), sources(setting.team)) == (1, [])


def test_new_rule_is_for_new_requests(setting: Setting) -> None:
    log = write_claude(setting.machine.home, row("msg_1", WORK), row("msg_2", SECRET))
    setting.collect()
    setting.follow(setting.to_team(WORK), FolderRule(SECRET, never=True))
    append(log, row("msg_3", WORK), row("msg_4", SECRET))
    setting.collect()
    assert setting.requests == ({"msg_1", "msg_2"}, {"msg_3"})
    setting.collect(from_start=True)
    assert setting.requests == ({"msg_1", "msg_2"}, {"msg_3"})


@pytest.mark.parametrize("rule", ["team", "never"])
def test_request_that_grows_after_a_new_rule_goes_nowhere(setting: Setting, rule: str) -> None:
    log = write_claude(setting.machine.home, row("msg_1", WORK, usage={"output_tokens": 1}))
    setting.collect()
    setting.follow(setting.to_team(WORK) if rule == "team" else FolderRule(WORK, never=True))
    append(log, row("msg_1", WORK, usage={"output_tokens": 900}))
    setting.collect()
    assert setting.requests == ({"msg_1"}, set())
    assert [record["output_tokens"] for record in stored(setting.personal)] == [1]


def test_deleting_the_source_moves_its_requests_to_where_the_rules_say(setting: Setting) -> None:
    write_claude(setting.machine.home, row("msg_1", WORK), row("msg_2", GARDEN))
    setting.collect()
    setting.follow(setting.to_team(WORK))
    [source] = sources(setting.personal)
    undo_import(setting.personal, source["id"])
    setting.collect()
    assert setting.requests == ({"msg_2"}, {"msg_1"})


def test_deleting_the_source_of_a_workspace_without_a_rule_moves_its_requests(setting: Setting) -> None:
    write_claude(setting.machine.home, row("msg_1", WORK), row("msg_2", GARDEN))
    setting.follow(setting.to_team(WORK))
    setting.collect()
    setting.follow()
    setting.collect()
    assert setting.requests == ({"msg_2"}, {"msg_1"})
    [source] = sources(setting.team)
    undo_import(setting.team, source["id"])
    setting.collect()
    assert setting.requests == ({"msg_1", "msg_2"}, set())


def test_requests_in_a_workspace_that_was_left_stay_there(setting: Setting, stack: Stack) -> None:
    write_claude(setting.machine.home, row("msg_1", WORK))
    setting.follow(setting.to_team(WORK))
    setting.collect()
    with operator_connection(stack) as connection:
        team = setting.team.scope.workspace_id
        connection.execute(
            "insert into public.members (workspace_id, user_id, role) values (%s, %s, 'owner')",
            [team, sign_up(stack).user_id],
        )
        connection.execute(
            "delete from public.members where workspace_id = %s and user_id = %s",
            [team, setting.person.user_id],
        )
    with pytest.raises(
        FolderRulesRefused, match=r"for /home/ada/work cannot be followed, so nothing was sent\."
    ):
        setting.collect()
    setting.follow()
    setting.collect(from_start=True)
    assert stored(setting.personal) == []


def test_what_was_left_out_is_added_from_the_start(setting: Setting) -> None:
    write_claude(setting.machine.home, row("msg_1", SECRET), row("msg_2", GARDEN))
    setting.follow(FolderRule(SECRET, never=True))
    setting.collect()
    setting.follow()
    setting.collect()
    assert setting.requests == ({"msg_2"}, set())
    [result] = setting.collect(from_start=True)
    assert (result.added, result.duplicates) == (1, 1)
    assert setting.requests == ({"msg_1", "msg_2"}, set())


def test_changed_payment_is_updated_in_the_workspace_of_each_request(setting: Setting) -> None:
    write_claude(setting.machine.home, row("msg_1", WORK), row("msg_2", GARDEN), row("msg_3", GARDEN))
    setting.collect()
    undo_import(setting.personal, sources(setting.personal)[0]["id"])
    setting.follow(setting.to_team(WORK))
    setting.collect()
    plan = replace(setting, machine=replace(setting.machine, payments={"claude-code": Payment("plan")}))
    plan.collect()
    assert setting.requests == ({"msg_2", "msg_3"}, {"msg_1"})
    for database in (setting.personal, setting.team):
        assert {record["cost_basis"] for record in stored(database)} == {"included"}


def test_payment_chosen_for_a_source_is_of_its_workspace(setting: Setting) -> None:
    machine = replace(setting.machine, payments={})
    log = write_claude(machine.home, row("msg_1", WORK), row("msg_2", GARDEN))
    setting.follow(setting.to_team(WORK))
    free = replace(setting, machine=machine)
    free.collect()
    setting.team.call("set_paid_by_plan", import_id=sources(setting.team)[0]["id"], is_plan=True)
    append(log, row("msg_3", WORK), row("msg_4", GARDEN))
    free.collect()
    assert {record["cost_basis"] for record in stored(setting.team)} == {"included"}
    assert {record["cost_basis"] for record in stored(setting.personal)} == {"estimated"}
    assert setting.requests == ({"msg_2", "msg_4"}, {"msg_1", "msg_3"})


def test_copy_of_a_private_session_stays_private(setting: Setting) -> None:
    """A branched Codex session repeats the history of another under its own folder."""
    setting.follow(FolderRule(SECRET, never=True))
    usage = {"last_token_usage": codex_usage(1_000, 10)}
    write_codex(setting.machine.home, codex_rows(usage, cwd=SECRET))
    setting.collect()
    write_codex(setting.machine.home, codex_rows(usage, cwd=GARDEN), file="2026/09/02/rollout-2.jsonl")
    setting.collect()
    assert stored(setting.personal) == []


def test_rejected_lines_of_a_private_log_are_named_nowhere(setting: Setting, stack: Stack) -> None:
    setting.follow(FolderRule(SECRET, never=True), setting.to_team(WORK))
    bad = claude_row("msg_9", usage={"output_tokens": -1})
    home = setting.machine.home
    write_claude(home, row("msg_1", SECRET), bad, file="a/secret-log.jsonl")
    write_claude(home, bad, file="b/unclear-log.jsonl")
    write_claude(home, row("msg_2", WORK), bad, file="c/work-log.jsonl")
    mine, acme = setting.collect()
    assert (mine.rejected, acme.rejected) == (1, 1)
    assert mine.reasons == ["output_tokens is not a count of tokens"]
    assert acme.reasons == ["work-log.jsonl: output_tokens is not a count of tokens"]
    text = everything_stored(stack, setting.person)
    assert "secret-log" not in text
    assert "unclear-log" not in text


def test_requests_without_a_folder_wait_for_a_rule(setting: Setting) -> None:
    write_copilot(setting.machine.home, copilot_span())
    setting.follow(FolderRule(SECRET, never=True))
    [result] = setting.collect()
    assert (result.read, result.without_folder) == (0, 1)
    assert stored(setting.personal) == []
    setting.follow(FolderRule(SECRET, never=True), setting.to_team(""))
    setting.collect(from_start=True)
    assert (len(stored(setting.personal)), len(stored(setting.team))) == (0, 1)


def test_other_default_workspace_is_for_new_requests(setting: Setting) -> None:
    log = write_claude(setting.machine.home, row("msg_1", GARDEN))
    setting.collect()
    append(log, row("msg_2", GARDEN))
    setting.collect(setting.team)
    assert setting.requests == ({"msg_1"}, {"msg_2"})


def test_interrupted_run_is_completed_by_the_next(setting: Setting) -> None:
    write_claude(setting.machine.home, row("msg_1", GARDEN), row("msg_2", WORK))
    setting.follow(setting.to_team(WORK))

    class FailingTeam(FailingDatabase):
        """Fails in the other workspace."""

        def in_workspace(self, workspace_id: Any) -> Any:
            return FailingDatabase(self._api.in_workspace(workspace_id), saves=0)

    with pytest.raises(DatabaseError):
        setting.collect(FailingTeam(setting.personal, saves=9))
    assert setting.requests[1] == set()
    setting.collect()
    assert setting.requests == ({"msg_1"}, {"msg_2"})


OLD_TABLES = """
    create table source (agent text primary key, import_id text, settings text) without rowid;
    create table file (
        agent text, path blob, inode integer, size integer, mtime_ns integer,
        offset integer, tail blob, state text,
        primary key (agent, path)
    ) without rowid;
    create table request (
        agent text, message text, place integer, name text, attempt text, rank text,
        primary key (agent, message, place)
    ) without rowid;
"""


def make_old(path: Path) -> None:
    """Rewrite read positions as the version before workspaces had them."""
    with closing(sqlite3.connect(path)) as database:
        kept = {
            "source": "agent, import_id, settings",
            "file": "*",
            "request": "agent, message, place, name, attempt, rank",
        }
        rows = {
            table: database.execute(f"select {columns} from {table}").fetchall()
            for table, columns in kept.items()
        }
        for table in kept:
            database.execute(f"drop table {table}")
        database.executescript(OLD_TABLES)
        rows["file"] = [
            (*one[:-1], json.dumps({**json.loads(one[-1]), "folder": ""})) for one in rows["file"]
        ]
        for table, found in rows.items():
            for one in found:
                database.execute(f"insert into {table} values ({', '.join('?' * len(one))})", one)
        database.execute("pragma user_version = 1")
        database.commit()


def test_positions_from_before_workspaces_are_of_the_personal_one(setting: Setting) -> None:
    home = setting.machine.home
    log = write_claude(home, row("msg_1", GARDEN))
    codex = write_codex(home, codex_rows({"last_token_usage": codex_usage(1_000, 10)}, cwd=SECRET))
    setting.collect()
    make_old(find_positions(setting.machine.folder, setting.person.user_id))
    setting.follow(FolderRule(SECRET, never=True))
    append(log, row("msg_2", GARDEN))
    later = codex_rows({"last_token_usage": codex_usage(2_000, 10), "at": "2026-09-01T13:00:00Z"})
    append(codex, later[-1])
    results = setting.collect(setting.team)
    assert [(result.source, result.read, result.left_out) for result in results] == [
        ("claude-code", 1, 0),
        ("codex", 0, 1),
    ]
    assert [record["request_id"] for record in stored(setting.team)] == ["msg_2"]
    assert len(stored(setting.personal)) == 2


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda _: FolderRule(WORK, workspace="Nowhere"),
            "There is no workspace “Nowhere”. Yours are: Personal, Acme.",
        ),
        (
            lambda _: FolderRule(WORK, workspace="Old team", workspace_id="0" * 8),
            "“Old team” is not one of your workspaces. Yours are: Personal, Acme.",
        ),
    ],
)
def test_rule_for_what_does_not_exist_stops_everything(
    setting: Setting, make: Callable[[Setting], FolderRule], sentence: str
) -> None:
    write_claude(setting.machine.home, row("msg_1", GARDEN))
    setting.follow(make(setting))
    with pytest.raises(FolderRulesRefused) as refused:
        setting.collect()
    assert sentence in str(refused.value)
    assert setting.requests == (set(), set())


def test_rule_for_a_workspace_that_one_may_only_view_stops_everything(setting: Setting, stack: Stack) -> None:
    write_claude(setting.machine.home, row("msg_1", WORK))
    with operator_connection(stack) as connection:
        team = setting.team.scope.workspace_id
        connection.execute(
            "insert into public.members (workspace_id, user_id, role) values (%s, %s, 'owner')",
            [team, sign_up(stack).user_id],
        )
        connection.execute(
            "update public.members set role = 'viewer' where workspace_id = %s and user_id = %s",
            [team, setting.person.user_id],
        )
    setting.follow(setting.to_team(WORK))
    with pytest.raises(FolderRulesRefused, match="You can only view “Acme”"):
        setting.collect()


def test_rules_follow_the_machine_not_the_logs(setting: Setting, tmp_path: Path) -> None:
    setting.follow(FolderRule(SECRET, never=True))
    write_claude(setting.machine.home, row("msg_1", SECRET))
    other = machine_at(tmp_path, "other")
    shutil.copytree(setting.machine.home, other.home)
    assert load_rules(other.folder).rules == ()
    setting.collect()
    assert setting.requests == (set(), set())
    collect_into(setting.personal, other)
    assert setting.requests == ({"msg_1"}, set())


def test_folder_is_filed_under_its_project(setting: Setting) -> None:
    site = str(setting.team.call("create_project", name="Website"))
    log = write_claude(setting.machine.home, row("msg_1", f"{WORK}/site"), row("msg_2", WORK))
    setting.follow(setting.to_team(WORK), setting.to_team(f"{WORK}/site", project="website"))
    setting.collect()
    append(log, row("msg_3", f"{WORK}/site/x"))
    setting.follow(setting.to_team(f"{WORK}/site", project="Renamed", project_id=site))
    setting.collect()
    found = {
        record["request_id"]: record["project_id"]
        for record in setting.team.select(
            Query("cost_records", "id,request_id,project_id,project_chosen_by", ["id"])
        )
    }
    assert found == {"msg_1": site, "msg_2": None, "msg_3": site}


def test_project_without_a_workspace_is_one_of_the_logins(setting: Setting) -> None:
    site = setting.personal.call("create_project", name="Website")
    write_claude(setting.machine.home, row("msg_1", WORK), row("msg_2", None))
    setting.follow(FolderRule(WORK, project="Website"))
    setting.collect()
    query = Query("cost_records", "request_id,project_id", ["request_id"])
    assert setting.personal.select(query) == [
        {"request_id": "msg_1", "project_id": site},
        {"request_id": "msg_2", "project_id": None},
    ]
    with pytest.raises(FolderRulesRefused, match=r"no project “Website”\. This workspace has: none\."):
        setting.collect(setting.team)
