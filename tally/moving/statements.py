"""Records and superseded statements: saved source by source, then filed as they were.

The database chooses again which statement counts, and compares bills with estimates again. Renewals are not
saved: their subscription has posted them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import md5
from typing import Any, TypeAlias
from uuid import UUID

from tally.core.progress import Progress
from tally.moving.stored_json import fits_statement
from tally.moving.tables import PERSON, PROJECTS, RECORDS, STATEMENTS, Row, Table
from tally.moving.target import Counts, Target
from tally.storage.database import Query, select_all

Identity: TypeAlias = "tuple[str, str | None, str | None]"

BATCH = 5_000  # what one call of the database takes
PERSON_KEYS = ("actor", "user_email", "email", "user", "user_id", "username", "owner")
NOT_SENT = (PERSON, "project_id", "project_chosen_by", "import_id", "subscription_id")
SENT = tuple(name for name in RECORDS.columns if name not in NOT_SENT)
CHOSEN = ("person", "source")
NOT_BEGUN = "Their day has not begun in this workspace's time zone. They are added when it does."


def bring_statements(target: Target, known: set[Identity], on_progress: Progress) -> None:
    """Save what the workspace lacks. Records first, several batches at once: they are of different events."""
    total = sum(target.file.manifest.rows[table.name] for table in STATEMENTS)
    done = 0
    for table in STATEMENTS:
        workers = target.database.workers if table is RECORDS else 1
        for saved in _in_parallel(workers, _batches(target, table, known)):
            done += saved
            on_progress(done, total, "Importing")


def restore_filing(target: Target, on_progress: Progress) -> None:
    """File what was imported as it was: everything if the rules are the same, else what was chosen."""
    if not target.file.manifest.rows[PROJECTS.name]:
        return
    done, total = 0, sum(target.file.manifest.rows[table.name] for table in STATEMENTS)
    for table in STATEMENTS:
        pending: list[Row] = []
        for row in map(target.moved, target.file.rows(table)):
            done += 1
            if target.has_its_rules or row["project_chosen_by"] in CHOSEN:
                pending.append(row)
            if len(pending) == BATCH:
                _file(target, pending)
                on_progress(done, total, "Filing")
        _file(target, pending)


def _file(target: Target, rows: list[Row]) -> None:
    """File these statements, and forget them."""
    if rows:
        columns = {
            "source_key": [_key(row) for row in rows],
            "import_id": [row["import_id"] for row in rows],
            "line_at": [_line_at(row) for row in rows],
            "timestamp": [row["timestamp"] for row in rows],
            "project_id": [row["project_id"] for row in rows],
            "chosen_by": [row["project_chosen_by"] for row in rows],
        }
        target.database.call("restore_filing", statements=columns)
    rows.clear()


def _batches(target: Target, table: Table, known: set[Identity]) -> Iterator[Callable[[], int]]:
    """Calls that save a batch of one source each, and return how many rows that were."""
    counts = target.count(table)
    posted = _load_renewals(target)
    pending: defaultdict[tuple[str | None, str], list[Row]] = defaultdict(list)
    for row in map(target.moved, target.file.rows(table)):
        if row["subscription_id"] is not None:
            _count_renewal(counts, row, row["subscription_id"] in target.refused, known, posted)
            continue
        if _identity(row) in known:
            counts.find()
            continue
        # Bills are also cut by months: they make the estimates of their days ineffective, many in a year.
        is_bill = row["cost_basis"] == "billed" and row["billing_account"] is not None
        of_source = (row["import_id"], row["timestamp"][:7] if is_bill else "")
        pending[of_source].append(row)
        if len(pending[of_source]) == BATCH:
            yield _saving(target, table, pending.pop(of_source))
    for rows in pending.values():
        yield _saving(target, table, rows)


def _load_renewals(target: Target) -> set[str]:
    """Source keys of the renewals that the workspace's subscriptions have posted."""
    query = Query(RECORDS.name, "id,source_key", ["id"], {"charge_type": "subscription"})
    return {row["source_key"] for row in select_all(target.database, query)}


def _count_renewal(
    counts: Counts, row: Row, is_refused: bool, known: set[Identity], posted: set[str]
) -> None:
    if is_refused:
        counts.reject("Their subscription was not added.")
    elif _identity(row) in known:
        counts.find()
    elif _key(row) in posted:
        counts.add()
    else:
        counts.reject(NOT_BEGUN)


def _saving(target: Target, table: Table, rows: list[Row]) -> Callable[[], int]:
    def save() -> int:
        columns = _describe(target, rows)
        answer = target.database.call("save_cost_records", import_id=rows[0]["import_id"], records=columns)
        counts = target.count(table)
        for entry in answer["rejected"]:
            counts.reject(entry["reason"])
        counts.add(len(rows) - len(answer["rejected"]))
        return len(rows)

    return save


def _describe(target: Target, rows: list[Row]) -> dict[str, list[Any]]:
    """The rows as `save_cost_records` takes them; a column of nulls is left out."""
    columns = {name: [row[name] for row in rows] for name in SENT if name != "metadata"}
    columns["metadata"] = [_name_person(target, row) for row in rows]
    return {name: values for name, values in columns.items() if values.count(None) < len(values)}


def _name_person(target: Target, row: Row) -> Row:
    metadata: Row = row["metadata"]
    if target.is_own(row[PERSON]) or any(metadata.get(name) for name in PERSON_KEYS):
        return metadata
    named = metadata | {"actor": row[PERSON]}
    return named if fits_statement(named) else metadata


def load_known(target: Target) -> set[Identity]:
    """Identities of the statements that the workspace has."""
    if not target.has_records:
        return set()
    columns = "id,source_key,import_id,subscription_id,request_id,timestamp,day"
    return {
        _identity(row | {"timestamp": RECORDS.columns["timestamp"](row["timestamp"])})
        for table in STATEMENTS
        for row in select_all(target.database, Query(table.name, columns, table.order, after=table.before))
    }


def _identity(row: Row) -> Identity:
    """Equal for one source's statement on one event."""
    return _key(row), row["import_id"], _line_at(row)


def _key(row: Row) -> str:
    """The source key; that of a renewal is made of its subscription's id."""
    if row["subscription_id"] is None:
        return str(row["source_key"])
    named = f"{row['subscription_id']} {row['day']}"
    return str(UUID(md5(named.encode(), usedforsecurity=False).hexdigest()))


def _line_at(row: Row) -> str | None:
    if row["request_id"] is not None:
        return None
    return f"{row['day']}T12:00:00+00:00" if row["day"] is not None else str(row["timestamp"])


def _in_parallel(workers: int, calls: Iterable[Callable[[], int]]) -> Iterator[int]:
    """Answers of calls; a few run at once, and few wait."""
    with ThreadPoolExecutor(workers) as pool:
        running: list[Future[int]] = []
        for call in calls:
            running.append(pool.submit(call))
            if len(running) > workers:
                yield running.pop(0).result()
        for future in running:
            yield future.result()
