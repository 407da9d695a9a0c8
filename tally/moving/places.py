"""Places that records refer to: projects with their rules, sources, subscriptions."""

from datetime import UTC, datetime
from typing import Any

from tally.moving.tables import (
    PERSON,
    PROJECTS,
    PROVIDER,
    REJECTIONS,
    RULES,
    SOURCES,
    SUBSCRIPTIONS,
    Row,
)
from tally.moving.target import Target, attempt, origins, remember_origin
from tally.storage.database import Query, select_all

MAX_FILENAME = 255


def bring_projects(target: Target) -> None:
    """Create the projects that the workspace lacks: one is known by its id, else by its name and address."""
    counts, ids = target.count(PROJECTS), target.ids.setdefault(PROJECTS.name, {})
    existing = {row["id"]: row for row in target.database.call("list_projects")}
    for row in target.file.rows(PROJECTS):
        found = _find_project(row, existing)
        if found is None:
            ids[row["id"]] = target.database.call(
                "create_project", name=row["name"], is_private=row["is_private"]
            )
            counts.add()
        else:
            ids[row["id"]] = found
            counts.find()
        is_active = found is None or existing.pop(found)["archived_at"] is None
        if row["archived_at"] is not None and is_active and not target.has_records:
            target.to_archive.append(ids[row["id"]])


def archive_projects(target: Target) -> None:
    """Archive the new projects that were; rules can be brought only before."""
    for project in target.to_archive:
        target.database.call("archive_project", project=project)


def _find_project(row: Row, existing: dict[str, Row]) -> str | None:
    if row["id"] in existing:
        return str(row["id"])
    named = [project for project in existing.values() if project["name"] == row["name"]]
    named.sort(key=lambda project: (project["slug"] != row["slug"], len(project["slug"]), project["slug"]))
    return named[0]["id"] if named else None


def bring_sources(target: Target) -> None:
    """Add the sources that the workspace lacks, in their order: the newest export of a line counts."""
    counts, ids = target.count(SOURCES), target.ids.setdefault(SOURCES.name, {})
    columns = "id,user_id,kind,filename,format,status,metadata"
    existing = list(select_all(target.database, Query(SOURCES.name, columns, ["id"])))
    taken = {_machine(row) for row in existing if row["user_id"] == target.database.scope.user_id}
    rejections = _load_rejections(target)
    for row in target.file.rows(SOURCES):
        found = _find_source(target, row, existing)
        if found is not None:
            ids[row["id"]] = found["id"]
            counts.find()
            target.count(REJECTIONS).find(len(rejections.get(row["id"], [])))
            if found["status"] == "running" and origins(found) & origins(row) and found["id"] != row["id"]:
                target.to_finish.append(_outcome(row, found["id"], rejections))
            continue
        filename = _free_name(row, target.is_own(row[PERSON]), taken)
        taken.add((row["kind"], row["format"], filename))
        ids[row["id"]] = _add_source(target, row, filename)
        target.to_finish.append(_outcome(row, ids[row["id"]], rejections))
        target.count(REJECTIONS).add(len(rejections.get(row["id"], [])))
        counts.add()


def _find_source(target: Target, row: Row, existing: list[Row]) -> Row | None:
    """The source that the row is: known by its id, or a machine of one's own that collected here already."""
    known = (one for one in existing if origins(one) & origins(row))
    is_machine = row["kind"] == "machine" and target.is_own(row[PERSON])
    me = target.database.scope.user_id
    same = (one for one in existing if is_machine and one["user_id"] == me and _machine(one) == _machine(row))
    return next(known, None) or next(same, None)


def finish_sources(target: Target) -> None:
    """Give the new sources their counts, last: until then, they are imports that run."""
    for outcome in target.to_finish:
        target.database.update(
            SOURCES.name, outcome["id"], {name: value for name, value in outcome.items() if name != "id"}
        )


def _machine(row: Row) -> tuple[str, str, str]:
    return row["kind"], row["format"], row["filename"]


def _free_name(row: Row, is_own: bool, taken: set[tuple[str, str, str]]) -> str:
    """A machine continues in one source of its person, so those of others are named by them, too."""
    filename = str(row["filename"])
    if row["kind"] != "machine" or (is_own and _machine(row) not in taken):
        return filename
    for number in range(2, 1000):
        suffix = f" ({row[PERSON] or 'moved'}{f' {number}' if number > 2 else ''})"
        name = filename[: MAX_FILENAME - len(suffix)] + suffix
        if (row["kind"], row["format"], name) not in taken:
            return name
    return filename


def _add_source(target: Target, row: Row, filename: str) -> str:
    metadata = remember_origin(row)
    if not target.is_own(row[PERSON]):
        metadata |= {"brought_by": row[PERSON]}
    added = target.database.insert(
        SOURCES.name,
        {
            "id": target.new_id(row["id"]),
            "kind": row["kind"],
            "filename": filename,
            "format": row["format"],
            "file_sha256": row["file_sha256"],
            "is_enabled": row["is_enabled"],
            "metadata": metadata,
        },
    )
    return str(added["id"])


def _outcome(row: Row, import_id: str, rejections: dict[str, list[Row]]) -> Row:
    names = ("rows_read", "rows_imported", "rows_duplicate", "rows_restated", "rows_rejected", "finished_at")
    status = "failed" if row["status"] == "running" else row["status"]
    finished_at = row["finished_at"] or datetime.now(UTC).isoformat()
    return {
        "id": import_id,
        **{name: row[name] for name in names},
        "finished_at": finished_at,
        "status": status,
        "errors": rejections.get(row["id"], []),
    }


def _load_rejections(target: Target) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in target.file.rows(REJECTIONS):
        found.setdefault(row["import_id"], []).append({name: row[name] for name in ("line", "reason", "row")})
    return found


def bring_rules(target: Target) -> None:
    """Set the file's rules in a workspace that has neither rules nor records: others would move."""
    counts = target.count(RULES)
    wanted = [_describe_rule(target, row) for row in target.file.rows(RULES)]
    present = [
        {name: row[name] for name in ("field", "match", "value", "project_id")}
        for row in select_all(target.database, Query(RULES.name, RULES.query, RULES.order))
    ]
    if wanted == present:
        counts.find(len(wanted))
        target.has_its_rules = True
    elif present or target.has_records:
        counts.reject(
            "The workspace's records are filed by its own rules. Add these in Settings if you want them.",
            len(wanted),
        )
    else:
        target.has_its_rules = attempt(
            counts, lambda: target.database.call("set_rules", rules=wanted), len(wanted)
        )


def _describe_rule(target: Target, row: Row) -> Row:
    moved: dict[str, Any] = target.moved(row)
    if row["field"] == "source":
        moved["value"] = target.ids[SOURCES.name].get(row["value"], row["value"])
    return moved


def bring_subscriptions(target: Target) -> None:
    """Add the subscriptions that the workspace lacks; the database posts their renewals."""
    counts, ids = target.count(SUBSCRIPTIONS), target.ids.setdefault(SUBSCRIPTIONS.name, {})
    existing = list(select_all(target.database, Query(SUBSCRIPTIONS.name, "id,metadata", ["id"])))
    for row in target.file.rows(SUBSCRIPTIONS):
        found = next((one for one in existing if origins(one) & origins(row)), None)
        if found is not None:
            ids[row["id"]] = found["id"]
            counts.find()
            continue
        ids[row["id"]] = target.new_id(row["id"])
        if not _add_subscription(target, row):
            target.refused.add(ids[row["id"]])


def _add_subscription(target: Target, row: Row) -> bool:
    counts = target.count(SUBSCRIPTIONS)
    if row[PROVIDER] not in target.providers:
        counts.reject(f"This Tally does not know the provider “{row[PROVIDER]}”. Update it.")
        return False
    values = {name: value for name, value in row.items() if name not in (PERSON, PROVIDER)}
    values["id"] = target.ids[SUBSCRIPTIONS.name][row["id"]]
    values["provider_id"] = target.providers[row[PROVIDER]]
    values["metadata"] = remember_origin(row)
    if not target.is_own(row[PERSON]):
        values["metadata"] |= {"brought_by": row[PERSON]}
    return attempt(counts, lambda: target.database.insert(SUBSCRIPTIONS.name, values))
