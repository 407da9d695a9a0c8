"""`python -m docs.cost_model`: write docs/cost_model.md, what 1,000 workspaces and a billion records take.

Unit costs are those that `python -m bench unit_costs` measured last; everything else is an assumption, and a
field of the classes below. Prices are round numbers to replace by your own, not a provider's.
"""

import json
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bench.__main__ import RESULTS

DOCUMENT = Path(__file__).parent / "cost_model.md"
TEMPLATE = Path(__file__).parent / "cost_model.md.j2"
GB = 10**9
DAY_SECONDS, WORK_SECONDS = 86_400, 8 * 3_600


@dataclass(frozen=True, slots=True)
class Workload:
    """What is asked of an installation."""

    workspaces: int = 1_000
    records: int = 1_000_000_000
    kept_days: int = 395
    spans_of_a_record: int = 2
    span_days: int = 30
    people_of_a_workspace: int = 10
    visits_of_a_person: int = 20  # a working day, within eight hours
    series_of_a_workspace: int = 20  # the total, providers and models that are forecast each night
    groups_of_a_day: int = 10  # of a workspace in the view of days
    peak: float = 4.0  # the busiest minutes, as a multiple of the mean

    @property
    def records_of_a_day(self) -> float:
        return self.records / self.kept_days

    @property
    def records_a_second(self) -> float:
        """At the peak."""
        return self.records_of_a_day / DAY_SECONDS * self.peak

    @property
    def visits_a_second(self) -> float:
        """At the peak."""
        return (
            self.workspaces * self.people_of_a_workspace * self.visits_of_a_person / WORK_SECONDS * self.peak
        )

    @property
    def spans(self) -> float:
        """Those that are kept."""
        return self.records_of_a_day * self.spans_of_a_record * self.span_days


@dataclass(frozen=True, slots=True)
class Limits:
    """What one machine of a kind may have, and how full it may be."""

    database_cores: int = 16
    database_memory_gb: int = 64
    database_disk_gb: int = 2_000
    process_cores: float = 1.0  # a web or API process runs Python on one core
    worker_cores: int = 4
    nightly_hours: float = 4.0
    refresh_minutes: float = 10.0
    busy: float = 0.6  # of a core at the peak: above, requests begin to wait
    disk_factor: float = 1.5  # room for the log, for vacuum and for what is not reused yet
    hot_days: int = 31  # their tables and indexes should be in memory


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars a month: assumptions."""

    core: float = 25.0  # with the memory below
    memory_gb_of_a_core: int = 4
    disk_gb: float = 0.10
    object_gb: float = 0.025
    copies: int = 2  # of the database: a machine stands by with the same disk
    database_days: int = 92  # what stays in Postgres where older months are archived
    engine_cores: int = 8  # ClickHouse, for questions over archived months


@dataclass(frozen=True, slots=True)
class Units:
    """Measured: bytes and seconds."""

    record_bytes: float
    parquet_bytes: float
    engine_bytes: float
    span_bytes: float
    record_seconds: float
    record_api_seconds: float
    visit_web_seconds: float
    visit_database_seconds: float
    series_seconds: float
    group_seconds: float
    web_memory_gb: float
    api_memory_gb: float


@dataclass(frozen=True, slots=True)
class Need:
    """What a resource has to do, in the unit of its limit."""

    name: str
    needed: float
    limit: float
    unit: str
    then: str  # what is done when it is full

    def full_at(self, workspaces: int) -> float:
        """Workspaces of this kind at which the limit is reached."""
        return workspaces * self.limit / self.needed


@dataclass(frozen=True, slots=True)
class Model:
    """A workload on machines of a kind."""

    units: Units
    workload: Workload = field(default_factory=Workload)
    limits: Limits = field(default_factory=Limits)
    prices: Prices = field(default_factory=Prices)

    def needs(self) -> list[Need]:
        """Everything on one machine of each kind; what is full first comes first."""
        load, unit, limit = self.workload, self.units, self.limits
        needs = [
            Need(
                "disk of the database",
                self.database_gb(load.kept_days) * limit.disk_factor,
                limit.database_disk_gb,
                "GB",
                "months older than three go to Parquet, and questions about them to ClickHouse",
            ),
            Need(
                "memory of the database",
                self.database_gb(limit.hot_days),
                limit.database_memory_gb,
                "GB",
                "spans are kept for fewer days, or the machine gets more memory",
            ),
            Need(
                "cores of the database",
                self.database_cores(),
                limit.database_cores * limit.busy,
                "cores",
                "reads go to a copy, as far as they may be a second old",
            ),
            Need(
                "an API process",
                load.records_a_second * unit.record_api_seconds,
                limit.process_cores * limit.busy,
                "cores",
                "more API processes",
            ),
            Need(
                "a web process",
                load.visits_a_second * unit.visit_web_seconds,
                limit.process_cores * limit.busy,
                "cores",
                "more web processes",
            ),
            Need(
                "the nightly run of a worker",
                load.workspaces * load.series_of_a_workspace * unit.series_seconds / 3_600,
                limit.worker_cores * limit.nightly_hours,
                "core hours",
                "a Dask cluster for the run",
            ),
            Need(
                "the refresh of the view of days",
                load.workspaces * load.groups_of_a_day * load.kept_days * unit.group_seconds / 60,
                limit.refresh_minutes,
                "minutes",
                "days are folded beside it, as now, and the view is refreshed more rarely",
            ),
        ]
        return sorted(needs, key=lambda need: need.full_at(load.workspaces))

    def database_gb(self, days: int) -> float:
        """Records of the last days, and the spans that are kept."""
        load = self.workload
        spans = load.spans * min(1, days / load.span_days)
        return (load.records_of_a_day * days * self.units.record_bytes + spans * self.units.span_bytes) / GB

    def database_cores(self) -> float:
        """Cores of Postgres at the peak."""
        load, unit = self.workload, self.units
        saving = load.records_a_second * (unit.record_seconds - unit.record_api_seconds)
        return saving + load.visits_a_second * unit.visit_database_seconds

    def processes(self) -> dict[str, int]:
        """Processes of each kind; two at least, so that one may end."""
        needs = {need.name: need for need in self.needs()}
        return {
            name: max(2, ceil(needs[full].needed / needs[full].limit))
            for name, full in (("web", "a web process"), ("API", "an API process"))
        }

    def costs(self, database_days: int, archives: bool) -> dict[str, float]:
        """Dollars a month, with everything in Postgres or with older months archived."""
        load, price, limit = self.workload, self.prices, self.limits
        cores = max(
            self.database_cores() / limit.busy,
            self.database_gb(min(limit.hot_days, database_days)) / price.memory_gb_of_a_core,
        )
        disk = self.database_gb(database_days) * limit.disk_factor
        processes = sum(self.processes().values()) + limit.worker_cores
        found = {
            "database, cores and memory": ceil(cores) * price.core * price.copies,
            "database, disk": disk * price.disk_gb * price.copies,
            "web, API and worker processes": processes * price.core,
            "backups in object storage": self.database_gb(database_days) * price.object_gb,
        }
        if archives:
            older = load.records_of_a_day * (load.kept_days - database_days)
            engine = load.records * self.units.engine_bytes / GB * limit.disk_factor
            found["older months as Parquet in object storage"] = (
                older * self.units.parquet_bytes / GB * price.object_gb
            )
            found["ClickHouse, cores"] = price.engine_cores * price.core
            found["ClickHouse, disk"] = engine * price.disk_gb
        return found


def load_units() -> Units:
    """The measurements of the last whole runs of the benches."""
    benches = json.loads(RESULTS.read_text())["benches"]
    rows = {row["name"].partition(", against")[0]: row for row in benches["unit_costs"]}
    [refresh] = [row for row in benches["daily_costs"] if "against a refresh of" in row["name"]]
    groups = int(refresh["name"].rpartition("refresh of ")[2].removesuffix(" groups").replace(",", ""))

    def value(name: str) -> float:
        found = rows[name]
        return float(found["value"]) / {"ms": 1_000, "MB": 1_000}.get(found["unit"], 1)

    return Units(
        record_bytes=value("bytes of a record in Postgres, tables and indexes"),
        parquet_bytes=value("bytes of a record in Parquet"),
        engine_bytes=value("bytes of a record in ClickHouse"),
        span_bytes=value("bytes of a span in Postgres, tables and indexes"),
        record_seconds=value("seconds of a record through the API"),
        record_api_seconds=value("of them in the API's process"),
        visit_web_seconds=value("seconds of a visit in the web process"),
        visit_database_seconds=value("seconds of a visit in Postgres and its APIs"),
        series_seconds=value("seconds of a series in the nightly run"),
        group_seconds=float(refresh["baseline"]) / groups,
        web_memory_gb=value("memory of a web process"),
        api_memory_gb=value("memory of an API process"),
    )


def write_document() -> str:
    """The document: figures in the text of cost_model.md.j2."""
    model = Model(load_units())
    days = model.prices.database_days
    plans = [model.costs(model.workload.kept_days, archives=False), model.costs(days, archives=True)]
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE.parent),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown of our own numbers
    )
    environment.filters |= {"milliseconds": _milliseconds, "dollars": _dollars}
    parts = list(dict.fromkeys(name for plan in plans for name in plan))
    return environment.get_template(TEMPLATE.name).render(model=model, plans=plans, parts=parts)


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1_000:.2g} ms" if seconds < 0.01 else f"{seconds * 1_000:.0f} ms"


def _dollars(amount: float | None) -> str:
    return "" if amount is None else f"{amount:,.0f}"


if __name__ == "__main__":
    DOCUMENT.write_text(write_document(), encoding="utf-8")
