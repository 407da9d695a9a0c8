"""The rules that file records under projects: reading, previewing and changing them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.auth.identity import User, supabase_client
from app.data.reading import API_ROWS, cached, call, data_version, fetch_rows, forget_version, select
from app.figures.filing import Plan, Rule, parse_plan
from tally.storage.postgrest import ask


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A condition that unassigned records meet, so that a rule could file them by it."""

    field: str
    match: str
    value: str
    records: int
    cost_usd: Decimal


def load_rules(user: User) -> list[Rule]:
    """The workspace's rules in their order; those of hidden projects are left out."""
    return list(load_rules_by_id(user).values())


def load_rules_by_id(user: User) -> dict[str, Rule]:
    """The rules of `load_rules` by their ids."""
    return _rules_by_id(user, data_version(user))


@cached
def _rules_by_id(user: User, version: str) -> dict[str, Rule]:  # noqa: ARG001
    rows = fetch_rows(select(user, "project_rules", "id,field,match,value,project_id").order("position"))
    return {row.pop("id"): Rule(**row) for row in rows}


def load_suggestions(user: User) -> list[Suggestion]:
    """Rules that would file the most of what is unassigned, dearest first; for admins."""
    return _suggestions(user, data_version(user))


@cached
def _suggestions(user: User, version: str) -> list[Suggestion]:  # noqa: ARG001
    return [
        Suggestion(row["field"], row["match"], row["value"], row["records"], Decimal(row["cost_usd"]))
        for row in call(user, "rule_suggestions")
    ]


def preview_rules(user: User, rules: Sequence[Rule]) -> Plan:
    """The moves that these rules would cause if they were the workspace's."""
    return _preview(user, data_version(user), tuple(rules))


@cached
def _preview(user: User, version: str, rules: tuple[Rule, ...]) -> Plan:  # noqa: ARG001
    return parse_plan(call(user, "preview_rules", rules=[rule.to_json() for rule in rules]), "project")


def save_rules(user: User, rules: Sequence[Rule], before: Sequence[Rule]) -> Plan:
    """Make these the workspace's rules and move its records; refused if they are no longer those `before`."""
    lists = {
        name: [rule.to_json() for rule in listed] for name, listed in (("rules", rules), ("before", before))
    }
    try:
        answer = call(user, "set_rules", **lists)
    finally:
        forget_version(user)
    return parse_plan(answer, "project")


@dataclass(frozen=True, slots=True)
class Filed:
    """Records that a rule files, and their spend in US dollars."""

    records: int = 0
    cost_usd: Decimal = Decimal(0)


def load_filed(user: User) -> dict[Rule, Filed]:
    """Records and spend of each rule that files any; for admins. All records are read."""
    return _filed(user, data_version(user))


@cached
def _filed(user: User, version: str) -> dict[Rule, Filed]:  # noqa: ARG001
    rules = load_rules_by_id(user)
    return {
        rules[row["rule"]]: Filed(row["records"], Decimal(row["cost_usd"]))
        for row in call(user, "count_by_rule")
        if row["rule"] in rules
    }


@dataclass(frozen=True, slots=True)
class UnknownPerson:
    """A name of a person in records that no alias knows."""

    value: str
    records: int
    cost_usd: Decimal


def load_unknown_people(user: User) -> list[UnknownPerson]:
    """Names of people in records without an alias, dearest first; for admins."""
    return _unknown_people(user, data_version(user))


@cached
def _unknown_people(user: User, version: str) -> list[UnknownPerson]:  # noqa: ARG001
    return [
        UnknownPerson(row["value"], row["records"], Decimal(row["cost_usd"]))
        for row in call(user, "unknown_people")
    ]


def load_aliases(user: User) -> dict[str, str]:
    """The user whom each known name stands for, by name; for admins."""
    return _aliases(user, data_version(user))


@cached
def _aliases(user: User, version: str) -> dict[str, str]:  # noqa: ARG001
    rows: list[dict[str, Any]] = []
    while len(rows) % API_ROWS == 0:
        query = select(user, "person_aliases", "value,user_id").order("value")
        page = fetch_rows(query.range(len(rows), len(rows) + API_ROWS - 1))
        rows += page
        if not page:
            break
    return {row["value"]: row["user_id"] for row in rows}


def preview_aliases(user: User, aliases: Mapping[str, str]) -> Plan:
    """The moves that these aliases would cause if they were the workspace's."""
    return _preview_aliases(user, data_version(user), tuple(sorted(aliases.items())))


@cached
def _preview_aliases(user: User, version: str, aliases: tuple[tuple[str, str], ...]) -> Plan:  # noqa: ARG001
    return parse_plan(call(user, "preview_aliases", aliases=_list_aliases(dict(aliases))), "person")


def save_aliases(user: User, aliases: Mapping[str, str], before: Mapping[str, str]) -> Plan:
    """Make these the workspace's aliases and give its records to the people that they name.

    Refused if the workspace's aliases are no longer those `before`.
    """
    try:
        answer = call(user, "set_aliases", aliases=_list_aliases(aliases), before=_list_aliases(before))
    finally:
        forget_version(user)
    return parse_plan(answer, "person")


def _list_aliases(aliases: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"value": value, "user_id": user_id} for value, user_id in aliases.items()]


def create_project(user: User, name: str, is_private: bool) -> str:
    """Create a project; returns its id."""
    project = str(call(user, "create_project", name=name, is_private=is_private))
    forget_version(user)
    return project


def update_project(user: User, project_id: str, name: str, is_private: bool) -> None:
    """Rename a project, and set who sees it."""
    _change(user, "update_project", {"project": project_id, "name": name, "is_private": is_private})


def set_project_members(user: User, project_id: str, people: Sequence[str], before: Sequence[str]) -> None:
    """Set who sees a private project besides admins; refused if those are no longer the people `before`."""
    people_lists = {"people": list(people), "before": list(before)}
    _change(user, "set_project_members", {"project": project_id, **people_lists})


def archive_project(user: User, project_id: str) -> None:
    """Archive a project."""
    _change(user, "archive_project", {"project": project_id})


def preview_restore(user: User, project_id: str) -> Plan:
    """The moves that restoring an archived project would cause, as its rules apply again."""
    return _preview_restore(user, data_version(user), project_id)


@cached
def _preview_restore(user: User, version: str, project_id: str) -> Plan:  # noqa: ARG001
    answer: Any = ask(supabase_client(user).rpc("preview_restore", {"project": project_id}).execute).data
    return parse_plan(answer, "project")


def restore_project(user: User, project_id: str) -> Plan:
    """Restore an archived project and file records by its rules."""
    return parse_plan(_change(user, "restore_project", {"project": project_id}), "project")


def _change(user: User, function: str, params: dict[str, Any]) -> Any:
    try:
        return ask(supabase_client(user).rpc(function, params).execute).data
    finally:
        forget_version(user)
