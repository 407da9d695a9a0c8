"""Storage as a cost: the vector stores of a connection by the day, as estimates in a source of its own.

Providers tell the size of today: the days before the first press of the button have it, too; later ones keep
the size that they had. Files have no price. A bill of a day replaces its estimate, as it does others.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from tally.connectors.connections import Connection, list_import_ids
from tally.connectors.datasets import FetchRequest, Window
from tally.connectors.job_sync import load_jobs, sum_storage
from tally.connectors.jobs import Job
from tally.core.amounts import round_amount
from tally.core.records import CostRecord, day_instant, identity
from tally.ledger.save import replace_window
from tally.pricing.storage_prices import price_vector_stores
from tally.storage.database import Database

PROVIDER, DATASET = "openai", "openai_api_storage"
MODEL = "vector stores"  # as usage of the organization's API names them
FIRST_DAYS = 30  # before the button was pressed
NOTE = "OpenAI's list price of vector stores: $0.10 a GiB and day, the first is free"
DAY = timedelta(days=1)


def add_storage_costs(database: Database, connection: Connection, today: date) -> int:
    """Begin to count what vector stores cost; returns the days with a cost that are new."""
    known = list_import_ids(database, connection)
    import_id = known[0] if known else _add_source(database, connection)
    metadata = dict(connection.metadata) | {"import_id": import_id}
    days = _save_days(database, connection, metadata, today)
    database.update("api_credentials", str(connection.connection_id), {"metadata": metadata})
    return days


def continue_storage_costs(database: Database, connection: Connection, today: date) -> dict[str, Any]:
    """Add the days since the last one, where storage is counted; returns the connection's metadata."""
    metadata = dict(connection.metadata)
    if connection.import_id is None:
        return metadata
    if list_import_ids(database, connection) == [connection.import_id]:
        _save_days(database, connection, metadata, today)
        return metadata
    # Its source was deleted, and with it the wish to count storage.
    return {name: value for name, value in metadata.items() if name not in ("import_id", "cursors")}


def _add_source(database: Database, connection: Connection) -> str:
    row = {
        "kind": "connection",
        "credential_id": str(connection.connection_id),
        "filename": connection.name,
        "format": f"{connection.provider}-api",
        "status": "done",
    }
    return str(database.insert("imports", row)["id"])


def _save_days(database: Database, connection: Connection, metadata: dict[str, Any], today: date) -> int:
    jobs = [job for told, job in load_jobs(database) if told == str(connection.connection_id)]
    window = find_window(jobs, connection.cursors.get(DATASET), today)
    if window is None:
        return 0
    records = list_storage_records(connection.account, jobs, window)
    saved = replace_window(
        database, metadata["import_id"], DATASET, (window.first_day, window.last_day), records
    )
    metadata["cursors"] = connection.cursors | {DATASET: window.last_day.isoformat()}
    return saved.inserted


def find_window(jobs: Iterable[Job], cursor: str | None, today: date) -> Window | None:
    """The complete days that are not counted yet; None without any."""
    began = [job.began_at.date() for job in jobs if job.kind == "vector_store"]
    if not began:
        return None
    first = date.fromisoformat(cursor) + DAY if cursor else max(min(began), today - FIRST_DAYS * DAY)
    return Window(first, today - DAY) if first < today else None


def list_storage_records(account: str, jobs: Iterable[Job], window: Window) -> list[CostRecord]:
    """A record for each UTC day on which vector stores had a price."""
    stores = [job for job in jobs if job.kind == "vector_store"]
    request = FetchRequest(window, account)
    return [
        CostRecord(
            provider=PROVIDER,
            timestamp=day_instant(day, "UTC"),
            model_name=MODEL,
            cost_usd=cost_usd,
            source_key=identity(DATASET, account, day),
            cost_basis="estimated",
            collection_method="api_automated",
            day=day,
            billing_account=request.find_billing_account(PROVIDER),
            dataset=DATASET,
            billed_under_other_name=True,
            metadata={"kind": "vector_stores", "usage_bytes": stored, "note": NOTE},
        )
        for day, stored in sum_storage(stores, window.first_day, window.last_day)
        if (cost_usd := round_amount(price_vector_stores(stored)))
    ]
