"""A workspace that moves: the same to the last digit, there and back, as often as one likes."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pytest

from tally.api_keys.key_text import hash_key
from tally.api_keys.keys import NewKey, create_key, list_keys, revoke_key
from tally.ledger.save import save_batch
from tally.local.stack import Stack
from tally.moving.arriving import MoveInterrupted, import_workspace
from tally.moving.file import ExportFile, ExportManifest
from tally.moving.leaving import export_workspace
from tally.moving.statements import NOT_BEGUN
from tally.moving.tables import RECORDS
from tally.moving.target import Target
from tally.spend.subscriptions import Subscription, add_subscription
from tally.storage.database import Database, NotAllowed, Query, Row, Unreachable, select_all
from tally.storage.postgrest import SupabaseDatabase
from tally.storage.workspaces import load_timezone
from tests.shared_connections import operator_connection
from tests.tally.moving.conftest import Packed
from tests.tally.moving.houses import add_source, inventory, provider_ids, request
from tests.tally.people import add_member, add_team, over_http, sign_up

LAST_DIGIT = "All totals are the same as in the export, to the last digit."


def leave(database: Database, path: Path) -> ExportManifest:
    return export_workspace(database, path, "058")


def arrive(database: Database, path: Path) -> Target:
    file = ExportFile(path)
    file.check()
    return import_workspace(database, file)


def every_row_is_accounted_for(target: Target) -> bool:
    read = {name: rows for name, rows in target.file.manifest.rows.items() if rows and name != "daily_costs"}
    counts = {name: one for name, one in target.counts.items() if one.read}
    assert {name: one.read for name, one in counts.items()} == read
    return all(one.read == one.added + one.there + one.rejected for one in counts.values())


def test_a_house_is_the_same_in_another_installation(packed: Packed, elsewhere: SupabaseDatabase) -> None:
    rows_of = packed.manifest.rows
    assert all(rows_of[name] for name in ("cost_records", "superseded_records", "project_rules"))
    target = arrive(elsewhere, packed.path)
    after = inventory(elsewhere)
    for table, rows in packed.inventory.items():
        assert after[table] == rows, table
    assert every_row_is_accounted_for(target)
    assert not any(counts.rejected for counts in target.counts.values())
    assert target.notes == [LAST_DIGIT]


def test_repeating_and_coming_back_add_nothing(
    packed: Packed, elsewhere: SupabaseDatabase, tmp_path: Path
) -> None:
    arrive(elsewhere, packed.path)
    first = inventory(elsewhere)
    again = arrive(elsewhere, packed.path)
    leave(elsewhere, tmp_path / "back.zip")
    back = arrive(packed.database, tmp_path / "back.zip")
    for target in (again, back):
        assert every_row_is_accounted_for(target)
        assert not any(counts.added or counts.rejected for counts in target.counts.values())
    assert inventory(elsewhere) == first
    assert inventory(packed.database) == packed.inventory


@pytest.fixture
def team(stack: Stack) -> SupabaseDatabase:
    """A shared workspace, as its owner sees it."""
    owner = sign_up(stack)
    return over_http(stack, owner).in_workspace(add_team(stack, owner))


def test_records_of_colleagues_come_with_their_names(
    stack: Stack, team: SupabaseDatabase, elsewhere: SupabaseDatabase, tmp_path: Path
) -> None:
    bob = sign_up(stack)
    add_member(stack, team.scope.workspace_id, bob)
    of_bob = over_http(stack, bob).in_workspace(team.scope.workspace_id)
    source = add_source(of_bob, "machine", "Codex on laptop")
    mine = add_source(team, "machine", "Codex on laptop")
    save_batch(of_bob, [request(1), request(2, metadata={"user": "bob-laptop"})], source)
    save_batch(team, [request(3)], mine)
    team.call("set_member_limit", person=bob.user_id, monthly_usd=5, monthly_tokens=None)
    team.call("set_aliases", aliases=[{"value": "bob-laptop", "user_id": bob.user_id}])
    team.call("update_workspace", name=None, timezone="Asia/Tokyo", currency="EUR", person_split="own")
    leave(team, tmp_path / "team.zip")
    target = arrive(elsewhere, tmp_path / "team.zip")
    columns = "id,source_key,user_id,metadata,import_id"
    rows = {row["source_key"]: row for row in select_all(elsewhere, Query("cost_records", columns, ["id"]))}
    metadata = [rows[str(request(n).source_key)]["metadata"] for n in (1, 2, 3)]
    assert metadata == [{"actor": bob.email}, {"user": "bob-laptop"}, {}]
    assert {row["user_id"] for row in rows.values()} == {elsewhere.scope.user_id}
    names = {row["filename"] for row in select_all(elsewhere, Query("imports", "id,filename", ["id"]))}
    assert names == {"Codex on laptop", f"Codex on laptop ({bob.email})"}
    rejected = {name: one.rejected for name, one in target.counts.items() if one.rejected}
    assert rejected == {"person_aliases": 1, "budgets": 1, "budget_thresholds": 3}
    assert load_timezone(elsewhere) == "Asia/Tokyo"
    assert target.notes == [LAST_DIGIT]


def test_a_team_moves_into_a_new_one(other_stack: Stack, team: SupabaseDatabase, tmp_path: Path) -> None:
    me = team.scope.user_id
    save_batch(team, [request(1, metadata={"user": "ada-laptop"})], add_source(team, "file", "f.csv"))
    team.call("set_member_limit", person=me, monthly_usd="5.25", monthly_tokens=7)
    team.call("set_aliases", aliases=[{"value": "ada-laptop", "user_id": me}])
    team.call("update_workspace", name=None, timezone="Asia/Tokyo", currency="EUR", person_split="own")
    leave(team, tmp_path / "team.zip")
    mover = sign_up(other_stack)
    new = over_http(other_stack, mover).in_workspace(add_team(other_stack, mover, "New"))
    target = arrive(new, tmp_path / "team.zip")
    assert not any(counts.rejected for counts in target.counts.values())
    [person] = new.call("list_people")
    assert (person["monthly_usd"], person["monthly_tokens"]) == ("5.25", 7)
    [settings] = new.select(
        Query("workspaces", "name,timezone,currency,person_split", ["name"], {"id": new.scope.workspace_id})
    )
    assert list(settings.values()) == ["New", "Asia/Tokyo", "EUR", "own"]
    [alias] = new.select(Query("person_aliases", "value,user_id", ["value"]))
    assert alias == {"value": "ada-laptop", "user_id": mover.user_id}
    again = arrive(new, tmp_path / "team.zip")
    assert not any(counts.added or counts.rejected for counts in again.counts.values())


def test_subscriptions_beyond_the_bound_are_counted_with_their_renewals(
    packed: Packed, other_stack: Stack, elsewhere: SupabaseDatabase
) -> None:
    with operator_connection(other_stack) as connection:
        connection.execute(
            """insert into public.subscriptions
                (workspace_id, user_id, provider_id, plan_name, amount_usd, started_on, ended_on, renewal_day)
            select %(me)s, %(me)s, p.id, 'Plan ' || n, 1, '2026-01-01', '2026-01-01', 15
            from public.providers as p, generate_series(1, 199) as n where p.name = 'openai'""",
            {"me": elsewhere.scope.user_id},
        )
        connection.commit()
    target = arrive(elsewhere, packed.path)
    subscriptions, records = target.counts["subscriptions"], target.counts["cost_records"]
    assert (subscriptions.added, subscriptions.rejected) == (1, 2)
    assert any("200 subscriptions at most" in reason for reason in subscriptions.reasons)
    assert records.reasons["Their subscription was not added."] == records.rejected > 0
    assert every_row_is_accounted_for(target)


def test_a_name_whose_records_are_gone_is_counted(
    house: SupabaseDatabase, elsewhere: SupabaseDatabase, tmp_path: Path
) -> None:
    for name in ("usage.csv", "OpenAI costs", "twice.csv"):
        [source] = house.select(Query("imports", "id", ["id"], {"filename": name}))
        house.call("delete_source", import_id=source["id"])
    leave(house, tmp_path / "house.zip")
    target = arrive(elsewhere, tmp_path / "house.zip")
    assert target.counts["billing_accounts"].reasons == {
        "This workspace has no records of this billing account.": 1
    }
    assert every_row_is_accounted_for(target)
    assert target.notes == [LAST_DIGIT]


def test_rejected_rows_in_any_form_move(stack: Stack, elsewhere: SupabaseDatabase, tmp_path: Path) -> None:
    person = over_http(stack, sign_up(stack))
    odd = [
        {"line": -5, "reason": "No date."},
        {"line": "x"},
        {"line": 2.5, "row": [1]},
        {"line": 10**17},
        "x",
        None,
    ]
    add_source(person, "file", "a.csv", errors=odd)
    leave(person, tmp_path / "moving.zip")
    arrive(elsewhere, tmp_path / "moving.zip")
    [source] = elsewhere.select(Query("imports", "id,errors", ["id"]))
    assert [(error["line"], error["reason"], error["row"]) for error in source["errors"]] == [
        (0, "No date.", ""),
        (0, "", ""),
        (0, "", "[1]"),
        (0, "", ""),
        (0, "", "x"),
        (0, "", ""),
    ]


def test_targets_of_alerts_stay_behind_and_are_named(
    house: SupabaseDatabase, elsewhere: SupabaseDatabase, tmp_path: Path
) -> None:
    channel = {
        "kind": "slack",
        "name": "Team, “spend”",
        "hint": "hooks.slack.com …abcd",
        "sealed_target": "v1.sealed",
        "encryption_key_id": "first",
    }
    house.call("save_channel", channel=str(uuid4()), details=channel)
    leave(house, tmp_path / "house.zip")
    with ZipFile(tmp_path / "house.zip") as moved:
        assert moved.read("channels.csv").decode().splitlines()[1:] == ['slack,"Team, “spend”"']
        assert not any(b"v1.sealed" in moved.read(name) for name in moved.namelist())
    target = arrive(elsewhere, tmp_path / "house.zip")
    assert target.counts["channels"].reasons == {
        "The target of “Team, “spend”” (slack) is not in the export. Add the channel again.": 1
    }
    assert every_row_is_accounted_for(target)
    assert elsewhere.select(Query("channels", "id", ["id"])) == []


def test_keys_of_programs_stay_behind_and_are_named(
    house: SupabaseDatabase, elsewhere: SupabaseDatabase, tmp_path: Path
) -> None:
    key, revoked = (create_key(house, NewKey(name)) for name in ("laptop", "old"))
    revoke_key(house, revoked.id)
    leave(house, tmp_path / "house.zip")
    with ZipFile(tmp_path / "house.zip") as moved:
        hidden = (key.text.encode(), hash_key(key.text).hex().encode(), key.shown[:8].encode())
        assert not any(text in moved.read(name) for name in moved.namelist() for text in hidden)
    target = arrive(elsewhere, tmp_path / "house.zip")
    assert target.counts["api_keys"].reasons == {
        "The key “laptop” is not in the export. Create another one, and give it to its program.": 1,
        "The key “old” was revoked.": 1,
    }
    assert every_row_is_accounted_for(target)
    assert list_keys(elsewhere) == []


def test_a_name_for_which_there_is_no_room_is_left_out(
    stack: Stack, team: SupabaseDatabase, elsewhere: SupabaseDatabase, tmp_path: Path
) -> None:
    bob = sign_up(stack)
    add_member(stack, team.scope.workspace_id, bob)
    of_bob = over_http(stack, bob).in_workspace(team.scope.workspace_id)
    full = {"note": "ü" * 4_080}
    save_batch(of_bob, [request(1, metadata=full), request(2, metadata={"note": "ü" * 4_000})], None)
    leave(team, tmp_path / "team.zip")
    assert arrive(elsewhere, tmp_path / "team.zip").notes == [LAST_DIGIT]
    rows = elsewhere.select(Query("cost_records", "request_id,metadata", ["request_id"]))
    assert [row["metadata"].get("actor") for row in rows] == [None, bob.email]
    assert rows[0]["metadata"] == full


def test_a_workspace_in_use_keeps_what_it_has(packed: Packed, elsewhere: SupabaseDatabase) -> None:
    project = elsewhere.call("create_project", name="Own")
    rule = {"field": "model", "match": "prefix", "value": "claude", "project_id": project}
    elsewhere.call("set_rules", rules=[rule])
    own = add_source(elsewhere, "file", "own.csv")
    save_batch(elsewhere, [request(100)], own)
    before = load(elsewhere)
    target = arrive(elsewhere, packed.path)
    after = load(elsewhere)
    assert after[str(request(100).source_key)] == before[str(request(100).source_key)]
    assert target.counts["project_rules"].rejected == 3
    assert target.counts["workspaces"].rejected == 1
    assert load_timezone(elsewhere) == "UTC"
    assert every_row_is_accounted_for(target)
    assert len(after) == len(before) + target.counts["cost_records"].added
    by_rule = after[str(request(7).source_key)]
    assert (by_rule["project_id"], by_rule["project_chosen_by"]) == (project, None)
    assert {row["project_chosen_by"] for row in after.values()} >= {"person", "source"}


def test_a_renewal_of_tomorrow_is_added_when_its_day_begins(
    stack: Stack, elsewhere: SupabaseDatabase, tmp_path: Path
) -> None:
    """Where the sun rises first it is a day later, all day long, than where it sets last."""
    east, west = over_http(stack, sign_up(stack)), elsewhere
    for database, zone in ((east, "Pacific/Kiritimati"), (west, "Etc/GMT+12")):
        me = database.scope.user_id
        database.update("user_preferences", me, {"timezone": zone}, key="user_id")
    save_batch(west, [request(1)], add_source(west, "file", "own.csv"))
    openai, today = provider_ids(east)["openai"], datetime.now(ZoneInfo("Pacific/Kiritimati")).date()
    add_subscription(east, Subscription(openai, "Plus", Decimal(20), today, today.day))
    leave(east, tmp_path / "east.zip")
    counts = arrive(west, tmp_path / "east.zip").counts["cost_records"]
    assert (counts.added, counts.reasons) == (0, {NOT_BEGUN: 1})
    assert len(load(west)) == 1


def load(database: Database) -> dict[str, Row]:
    columns = "id,source_key,project_id,project_chosen_by,cost_usd::text,updated_at"
    return {row["source_key"]: row for row in select_all(database, Query("cost_records", columns, ["id"]))}


def test_only_admins_move_a_workspace(stack: Stack, team: SupabaseDatabase, tmp_path: Path) -> None:
    bob = sign_up(stack)
    add_member(stack, team.scope.workspace_id, bob)
    of_bob = over_http(stack, bob).in_workspace(team.scope.workspace_id)
    with pytest.raises(NotAllowed, match=r"^Only its admins can export everything"):
        leave(of_bob, tmp_path / "team.zip")
    leave(team, tmp_path / "team.zip")
    with pytest.raises(NotAllowed, match=r"^Only its admins can import everything"):
        arrive(of_bob, tmp_path / "team.zip")


def test_an_export_during_a_save_is_of_one_moment(house: SupabaseDatabase, tmp_path: Path) -> None:
    saved: list[int] = []

    def save_once(done: int, _total: int, _label: str) -> None:
        if done > 50 and not saved:
            saved.append(done)
            save_batch(house, [request(200)], None)

    manifest = export_workspace(house, tmp_path / "house.zip", "058", save_once)
    rows = list(ExportFile(tmp_path / "house.zip").rows(RECORDS))
    assert saved
    assert str(request(200).source_key) in {row["source_key"] for row in rows}
    assert len(rows) == manifest.rows["cost_records"]


class Interrupted(SupabaseDatabase):
    """A connection that breaks at a call of one function."""

    breaks_at, calls_left = "", 0

    def call(self, function: str, **params: Any) -> Any:
        if function == self.breaks_at:
            self.calls_left -= 1
            if self.calls_left < 0:
                raise Unreachable("The database cannot be reached right now.")
        return super().call(function, **params)


@pytest.mark.parametrize(
    ("function", "after"),
    [
        ("create_project", 2),
        ("set_rules", 0),
        ("archive_project", 0),
        ("save_cost_records", 1),
        ("save_cost_records", 4),
        ("restore_filing", 0),
        ("restore_filing", 1),
        ("name_model", 0),
    ],
)
def test_an_interrupted_import_is_finished_by_the_next(
    packed: Packed, other_stack: Stack, function: str, after: int
) -> None:
    person = sign_up(other_stack)
    breaking = Interrupted(over_http(other_stack, person)._client, person.user_id)
    breaking.breaks_at, breaking.calls_left = function, after
    with pytest.raises(
        MoveInterrupted, match=r"Import the same file again to finish it: nothing is added twice"
    ):
        arrive(breaking, packed.path)
    elsewhere = over_http(other_stack, person)
    target = arrive(elsewhere, packed.path)
    assert every_row_is_accounted_for(target)
    assert inventory(elsewhere) == packed.inventory


def test_views_whose_filters_have_no_place_are_told(
    stack: Stack, other_stack: Stack, team: SupabaseDatabase, tmp_path: Path
) -> None:
    bob, gone, me = sign_up(stack), str(uuid4()), team.scope.user_id
    add_member(stack, team.scope.workspace_id, bob)
    over_http(stack, bob).in_workspace(team.scope.workspace_id).call("save_view", name="Bob's", query="a=1")
    web = team.call("create_project", name="Web")
    for name, query in {
        "Bob": f"split=model&where=person%3A{bob.user_id}",
        "Both": f"where=person%3A{me}&where=person%3A{bob.user_id}",
        "Deleted": f"where=project%3A{gone}&where=source%3A{gone}",
        "Some": f"where=project%3A{gone}&where=project%3A{web}",
        "Taken": "split=tag",
    }.items():
        team.call("save_view", name=name, query=query)
    leave(team, tmp_path / "team.zip")
    mover = sign_up(other_stack)
    new = over_http(other_stack, mover).in_workspace(add_team(other_stack, mover, "New"))
    new.call("save_view", name="Taken", query="split=model")
    target = arrive(new, tmp_path / "team.zip")
    [project] = new.call("list_projects")
    assert {view["name"]: view["query"] for view in new.call("list_views")} == {
        "Both": f"where=person%3A{mover.user_id}",
        "Some": f"where=project%3A{project['id']}",
        "Taken": "split=model",
    }
    assert target.counts["saved_views"].reasons == {
        "“Bob” filters by people that this workspace lacks. Save it again here.": 1,
        "“Deleted” filters by projects and sources that this workspace lacks. Save it again here.": 1,
        "Another view has this name here.": 1,
    }
    assert [note for note in target.notes if "view" in note] == [
        "The view “Both” is without 1 value of its filters that this workspace lacks.",
        "The view “Some” is without 1 value of its filters that this workspace lacks.",
    ]
    assert every_row_is_accounted_for(target)
