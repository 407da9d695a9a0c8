"""Any workspace that moves is the same afterwards, also beside its original in one installation."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tally.core.records import CostRecord, day_instant, identity, request_identity
from tally.ledger.save import save_batch
from tally.moving.arriving import import_workspace
from tally.moving.file import ExportFile
from tally.moving.leaving import export_workspace
from tally.storage.database import Database, Query
from tally.storage.postgres import PostgresDatabase
from tests.database_fixtures import Project, add_user
from tests.tally.moving.houses import ACME, add_source, inventory

SOURCES = 3
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Statement:
    """What a source, or a person by hand, says of one of a few events."""

    source: int | None
    event: int
    kind: str
    basis: Any
    method: Any
    cost: int
    tokens: int
    project: int | None

    def record(self, projects: list[str]) -> CostRecord:
        """The record to save."""
        day = date(2026, 5, 4) + timedelta(days=self.event)
        is_request, is_day = self.kind == "request", self.kind == "day"
        return CostRecord(
            "openai",
            day_instant(day, "UTC") if is_day else NOON + timedelta(hours=self.event),
            "gpt-5",
            Decimal(self.cost) / 8,
            request_identity(str(self.event)) if is_request else identity(self.kind, self.event),
            self.basis,
            collection_method=self.method,
            request_id=str(self.event) if is_request else None,
            day=day if is_day else None,
            billing_account=ACME,
            dataset="requests" if self.basis == "estimated" else "costs",
            input_tokens=self.tokens,
            project_id=None if self.project is None else projects[self.project],
            metadata={"folder": f"/work/{self.event % 2}"},
        )


statements = st.builds(
    Statement,
    st.sampled_from([None, *range(SOURCES)]),
    st.integers(0, 3),
    st.sampled_from(["request", "line", "day"]),
    st.sampled_from(["billed", "estimated"]),
    st.sampled_from(["local_log", "csv_import", "api_automated"]),
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from([None, None, 0, 1]),
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(statements, min_size=1, max_size=12), st.sets(st.integers(0, SOURCES - 1), max_size=2), st.data()
)
def test_any_workspace_is_the_same_beside_its_original(
    project: Project, said: list[Statement], excluded: set[int], data: st.DataObject
) -> None:
    with project.connect() as connection:
        original = PostgresDatabase(connection, add_user(connection))
        fill(original, said, excluded, data.draw(st.booleans(), label="a person chooses"))
        copy = PostgresDatabase(connection, add_user(connection))
        with TemporaryDirectory() as folder:
            for _ in range(2):
                path = Path(folder) / "house.zip"
                path.unlink(missing_ok=True)
                export_workspace(original, path, "058")
                file = ExportFile(path)
                file.check()
                target = import_workspace(copy, file)
                assert inventory(copy) == inventory(original)
        assert not any(counts.added or counts.rejected for counts in target.counts.values())


def fill(database: Database, said: list[Statement], excluded: set[int], chooses: bool) -> None:
    """Say it all, then exclude sources, choose a project and archive it."""
    projects = [database.call("create_project", name=name) for name in ("Web", "Old")]
    rule = {"field": "folder", "match": "exact", "value": "/work/0", "project_id": projects[1]}
    database.call("set_rules", rules=[rule])
    sources = [add_source(database, "file", f"{n}.csv") for n in range(SOURCES)]
    for statement in said:
        source = None if statement.source is None else sources[statement.source]
        save_batch(database, [statement.record(projects)], source)
    for place in sorted(excluded):
        database.call("set_source_enabled", import_id=sources[place], is_enabled=False)
    if chooses:
        rows = database.select(Query("cost_records", "id", ["timestamp", "source_key"]))
        for row in rows[:1]:
            database.update("cost_records", row["id"], {"project_id": projects[0]})
    database.call("archive_project", project=projects[1])
