"""`/metrics`: what a key may see of its workspace, in the text format of Prometheus.

Numbers of the whole installation are for keys of its owner that are not of a project.
"""

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock
from time import monotonic
from typing import Any
from uuid import UUID

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from starlette.responses import Response

from api.answers import NO_STORE
from api.database import Pool
from api.figures import choose_days, load_rows
from api.measures import MOST, Facts, list_measures
from api.service import Call, Workers
from tally.api_keys.verification import Grant
from tally.budgets.status import load_statuses
from tally.storage.database import Database, Query
from tally.storage.workspaces import list_workspaces

FRESH_SECONDS = 15.0
KEPT_KEYS = 500
SOURCE_COLUMNS = "id,filename,kind,finished_at,rows_imported,rows_duplicate,rows_rejected"


class Prometheus:
    """The endpoint. An answer is kept for 15 seconds for each key: several scrapers cost one read."""

    def __init__(self, pool: Pool, workers: Workers) -> None:
        self._pool, self._workers = pool, workers
        self._kept: OrderedDict[UUID, tuple[float, list[Metric]]] = OrderedDict()
        self._lock = Lock()

    async def answer(self, call: Call) -> Response:
        """Measures, in the format that the scraper asks for."""
        encode, content_type = choose_encoder(call.request.headers.get("accept", ""))
        metrics = await self._workers.run(self._load, call.grant)
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collected(metrics))
        body: bytes = encode(registry)
        return Response(body, headers=NO_STORE | {"content-type": content_type})

    def _load(self, grant: Grant) -> list[Metric]:
        with self._lock:
            at, metrics = self._kept.get(grant.key_id, (-FRESH_SECONDS, []))
        if metrics and monotonic() - at < FRESH_SECONDS:
            return metrics
        facts = self._pool.act(grant, lambda database: load_facts(database, grant.project_id))
        metrics = list(list_measures(facts))
        with self._lock:
            self._kept[grant.key_id] = (monotonic(), metrics)
            self._kept.move_to_end(grant.key_id)
            while len(self._kept) > KEPT_KEYS:
                self._kept.popitem(last=False)
        return metrics


class _Collected:
    """Metrics as prometheus_client takes them."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """The metrics."""
        return self._metrics


def load_facts(database: Database, project: UUID | None) -> Facts:
    """All that the owner of a key may see; of one project where only that may be read."""
    month = choose_days(database, None, None)
    names = {workspace.id: workspace.name for workspace in list_workspaces(database)}
    statuses = load_statuses(database)
    workspace_id = database.scope.workspace_id
    others: dict[str, Any] = {}
    if project is None:
        others = {
            "sources": load_sources(database),
            "last_run": database.call("last_run"),
            "focus": database.call("focus_state"),
            "installation": database.call("installation_state")
            if database.call("owns_installation")
            else None,
        }
    return Facts(
        names[workspace_id],
        workspace_id,
        month.last,
        list(load_rows(database, month, project)),
        [one for one in statuses if project is None or one.budget.scope.project_id == str(project)],
        **others,
    )


def load_sources(database: Database) -> list[dict[str, Any]]:
    """Sources that go on sending data, of the kinds that do."""
    where = {"kind": ["machine", "connection", "key"], "is_enabled": True}
    return database.select(Query("imports", SOURCE_COLUMNS, ["created_at", "id"], where, limit=MOST))
