"""Belongings of a workspace besides its records: settings, prices, names."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from tally.moving.tables import (
    ACCOUNTS,
    ALIASES,
    CHANNELS,
    CONNECTIONS,
    CUSTOM_MODELS,
    EXACT,
    KEYS,
    MODELS,
    MULTIPLIERS,
    PERSON,
    PREFERENCES,
    PRICES,
    PROVIDER,
    WORKSPACE,
    Row,
    Table,
)
from tally.moving.target import Target, attempt
from tally.storage.database import Database, Query, select_all, select_first

OTHER_PERSON = "They are another person's. Set them again once that person is a member."
OWN_SETTINGS = "The workspace was in use already and keeps its own settings."


def bring_settings(target: Target) -> None:
    """Give a new workspace the settings of the file; its name stays."""
    database = target.database
    row = next(iter(target.file.rows(WORKSPACE)), None)
    preferences = next(iter(target.file.rows(PREFERENCES)), None)
    if row is None:
        return
    is_personal = target.workspace.is_personal
    if preferences is not None and not is_personal:
        target.count(PREFERENCES).reject("They are an account's, and this workspace is shared.")
    if not target.was_new:
        _keep_settings(target, row, preferences if is_personal else None)
        return
    if is_personal:
        values = preferences or {name: row[name] for name in ("timezone", "currency")}
        database.update("user_preferences", database.scope.user_id, values, key="user_id")
        if preferences is not None:
            target.count(PREFERENCES).add()
    else:
        settings = {name: row[name] for name in ("timezone", "currency", "person_split")}
        database.call("update_workspace", name=None, **settings)
    attempt(target.count(WORKSPACE), lambda: _set_choices(database, row))


def _set_choices(database: Database, row: Row) -> None:
    database.call("set_alert_rules", rules=row.get("alert_rules") or {})
    if row.get("trace_days") is not None:  # of a version with traces
        database.call("set_trace_days", days=row["trace_days"])
    if row.get("model_limits"):
        database.call("set_model_limits", limits=row["model_limits"])


def _keep_settings(target: Target, row: Row, preferences: Row | None) -> None:
    workspace = target.workspace
    if (workspace.timezone, workspace.currency) == (row["timezone"], row["currency"]):
        target.count(WORKSPACE).find()
    else:
        target.count(WORKSPACE).reject(
            f"{OWN_SETTINGS} Its days begin in {workspace.timezone}, the export's in {row['timezone']}."
        )
    if preferences is not None:
        database = target.database
        query = Query(
            PREFERENCES.name, PREFERENCES.query, PREFERENCES.order, {"user_id": database.scope.user_id}
        )
        stored = _comparable(PREFERENCES, select_first(database, query) or {})
        if stored == _comparable(PREFERENCES, preferences):
            target.count(PREFERENCES).find()
        else:
            target.count(PREFERENCES).reject(OWN_SETTINGS)


def leave_connections(target: Target) -> None:
    """Name the connections, whose keys are not in the file."""
    for row in target.file.rows(CONNECTIONS):
        target.count(CONNECTIONS).reject(
            f"The key of “{row['credential_name']}” ({row[PROVIDER]}) is not in the export. Add the "
            "connection again."
        )


def leave_keys(target: Target) -> None:
    """Name the keys of programs, which work in the workspace that they were made in."""
    for row in target.file.rows(KEYS):
        name = f"The key “{row['name']}”"
        target.count(KEYS).reject(
            f"{name} was revoked."
            if row["revoked_at"]
            else f"{name} is not in the export. Create another one, and give it to its program."
        )


def leave_channels(target: Target) -> None:
    """Name the channels of alerts, whose targets are not in the file."""
    for row in target.file.rows(CHANNELS):
        target.count(CHANNELS).reject(
            f"The target of “{row['name']}” ({row['kind']}) is not in the export. Add the channel again."
        )


def bring_aliases(target: Target) -> None:
    """Set the names of the exporting person as the importing one's, where no record can move by it."""
    counts, me = target.count(ALIASES), target.database.scope.user_id
    stored = list(select_all(target.database, Query(ALIASES.name, "value,user_id,id", ALIASES.order)))
    before = [{name: row[name] for name in ("value", "user_id")} for row in stored]
    known, new = {row["value"] for row in before}, []
    for row in target.file.rows(ALIASES):
        if not target.is_own(row[PERSON]):
            counts.reject(OTHER_PERSON)
        elif row["value"] in known:
            counts.find()
        elif target.has_records:
            counts.reject("They would move records that the workspace has. Set them in its settings.")
        else:
            new.append({"value": row["value"], "user_id": me})
    if new:
        aliases = [*before, *new]
        attempt(counts, lambda: target.database.call("set_aliases", aliases=aliases, before=before), len(new))


def bring_accounts(target: Target) -> None:
    """Name billing accounts that have no name."""
    counts = target.count(ACCOUNTS)
    query = Query(ACCOUNTS.name, "account,name", ACCOUNTS.order)
    stored = {row["account"]: row["name"] for row in select_all(target.database, query)}
    for row in target.file.rows(ACCOUNTS):
        if row["account"] not in stored:
            values = {"account": row["account"], "name": row["name"]}
            attempt(counts, lambda given=values: target.database.call("name_billing_account", **given))
        elif stored[row["account"]] == row["name"]:
            counts.find()
        else:
            counts.reject("The billing account has another name here.")


def bring_prices(target: Target) -> None:
    """Add custom prices, multipliers and models of its own that the workspace lacks."""
    _bring_rows(target, PRICES, lambda row: (row[PROVIDER], row["model_name"], row["valid_from"]))
    _bring_rows(target, MULTIPLIERS, lambda row: tuple(_comparable(MULTIPLIERS, row).values()))
    _bring_rows(target, CUSTOM_MODELS, lambda row: (row[PROVIDER], row["model_name"]))


def bring_models(target: Target) -> None:
    """Set which models names are, after the records that have them."""
    counts, names = target.count(MODELS), {value: name for name, value in target.providers.items()}
    query = Query(MODELS.name, MODELS.query, MODELS.order)
    stored = {
        (names[row["provider_id"]], row["name"]): row["model_name"]
        for row in select_all(target.database, query)
    }
    for row in target.file.rows(MODELS):
        present = stored.get((row[PROVIDER], row["name"]))
        if present == row["model_name"]:
            counts.find()
        elif present is not None:
            counts.reject("The name is another model here.")
        else:
            values = {"provider": row[PROVIDER], "name": row["name"], "model": row["model_name"]}
            attempt(counts, lambda given=values: target.database.call("name_model", **given))


def _bring_rows(target: Target, table: Table, key: Callable[[Row], Any]) -> None:
    """Insert the rows whose key the workspace lacks."""
    counts, names = target.count(table), {value: name for name, value in target.providers.items()}
    stored = {
        key(row): _comparable(table, row)
        for row in _with_providers(
            select_all(target.database, Query(table.name, table.query, table.order)), names
        )
    }
    for row in target.file.rows(table):
        present = stored.get(key(row))
        if present is not None and present == _comparable(table, row):
            counts.find()
        elif present is not None:
            counts.reject("The workspace has another one for the same.")
        elif row[PROVIDER] not in target.providers:
            counts.reject(f"This Tally does not know the provider “{row[PROVIDER]}”. Update it.")
        else:
            values = {name: value for name, value in row.items() if name not in ("id", PROVIDER)}
            values["provider_id"] = target.providers[row[PROVIDER]]
            attempt(counts, lambda given=values: target.database.insert(table.name, given))


def _with_providers(rows: Iterable[Row], names: dict[str, str]) -> Iterable[Row]:
    for row in rows:
        yield row | {PROVIDER: names[row["provider_id"]]}


def _comparable(table: Table, row: Row) -> Row:
    """A row of the file or of the database, without what says nothing about it; 1.50 is 1.5."""
    compared = {}
    for name in table.columns:
        if name in ("id", "metadata"):
            continue
        value = row.get(name)
        compared[name] = Decimal(value) if name.endswith(EXACT) and value is not None else value
    return compared
