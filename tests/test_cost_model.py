"""docs/cost_model.md counts right, with what the benches measured."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docs.cost_model import DOCUMENT, Limits, Model, Prices, Units, Workload, load_units, write_document

UNITS = Units(
    record_bytes=1_000,
    parquet_bytes=100,
    engine_bytes=150,
    span_bytes=500,
    record_seconds=0.003,
    record_api_seconds=0.001,
    visit_web_seconds=0.1,
    visit_database_seconds=0.02,
    series_seconds=0.072,
    group_seconds=0.00001,
    web_memory_gb=0.3,
    api_memory_gb=0.2,
)
# A hundred days of 8,640,000 records: a hundred a second, at the peak two hundred.
LOAD = Workload(
    workspaces=1_000,
    records=864_000_000,
    kept_days=100,
    spans_of_a_record=2,
    span_days=10,
    people_of_a_workspace=10,
    visits_of_a_person=72,  # 720,000 visits in eight hours: 25 a second
    series_of_a_workspace=20,
    groups_of_a_day=10,
    peak=2.0,
)
MODEL = Model(UNITS, LOAD, Limits(), Prices())


def test_document_is_that_of_the_last_measurements() -> None:
    assert DOCUMENT.read_text() == write_document(), "run python -m docs.cost_model"
    assert min(vars_of(load_units())) > 0


def vars_of(units: Units) -> list[float]:
    return [getattr(units, name) for name in Units.__slots__]


def test_needs_are_those_of_a_calculation_by_hand() -> None:
    assert (LOAD.records_a_second, LOAD.visits_a_second, LOAD.spans) == (200, 50, 172_800_000)
    needed = {need.name: need.needed for need in MODEL.needs()}
    assert needed == pytest.approx(
        {
            "disk of the database": (864 + 86.4) * 1.5,  # GB of records and spans, with room
            "memory of the database": 8.64 * 31 + 86.4,
            "cores of the database": 200 * 0.002 + 50 * 0.02,
            "an API process": 200 * 0.001,
            "a web process": 50 * 0.1,
            "the nightly run of a worker": 20_000 * 0.072 / 3_600,
            "the refresh of the view of days": 1_000_000 * 0.00001 / 60,
        }
    )


def test_what_is_full_first_comes_first_and_says_at_how_many_workspaces() -> None:
    needs = MODEL.needs()
    full = [need.full_at(LOAD.workspaces) for need in needs]
    assert full == sorted(full)
    assert needs[0].name == "a web process"
    assert full[0] == pytest.approx(120)  # 5 cores are needed and 0.6 are there
    assert MODEL.processes() == {"web": 9, "API": 2}


def test_costs_are_those_of_a_calculation_by_hand() -> None:
    whole, archived = MODEL.costs(100, archives=False), MODEL.costs(50, archives=True)
    assert whole == pytest.approx(
        {
            "database, cores and memory": 89 * 25 * 2,  # 354 GB of hot data take more cores than the work
            "database, disk": 950.4 * 1.5 * 0.1 * 2,
            "web, API and worker processes": (9 + 2 + 4) * 25,
            "backups in object storage": 950.4 * 0.025,
        }
    )
    assert archived["older months as Parquet in object storage"] == pytest.approx(432 / 10 * 0.025)
    assert archived["ClickHouse, disk"] == pytest.approx(864 * 0.15 * 1.5 * 0.1)
    assert archived["database, disk"] == pytest.approx((432 + 86.4) * 1.5 * 0.1 * 2)


@given(st.integers(2, 50))
def test_as_many_times_as_many_workspaces_fill_everything_as_many_times_as_much(times: int) -> None:
    more = replace(LOAD, workspaces=LOAD.workspaces * times, records=LOAD.records * times)
    grown = {need.name: need for need in Model(UNITS, more).needs()}
    for need in MODEL.needs():
        assert grown[need.name].needed == pytest.approx(need.needed * times)
        assert grown[need.name].full_at(more.workspaces) == pytest.approx(need.full_at(LOAD.workspaces))
