"""Tables: what cells sort by, what they show, and what a page gets from the one component."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from app.ui import columns, tables
from app.ui.columns import ALIGN_RIGHT, Column
from tests.app.pages import SECONDS
from tests.app.ui.shown_table import shown_table

BERLIN = ZoneInfo("Europe/Berlin")


def sort_column(values: list[Any], column: Column) -> list[Any]:
    """The values in the order of their cells, which is how the grid sorts; absent ones last."""
    frame = pd.DataFrame({"x": pd.Series(values, dtype=object)})
    cells = tables.style_cells(frame, {"x": column}).data["x"]  # type: ignore[attr-defined]
    return [values[position] for position in cells.sort_values().index]


def test_money_sorts_by_amount() -> None:
    amounts = [Decimal("9.5"), Decimal(100), Decimal(-3), None, Decimal("1000.25"), Decimal("0.0000000001")]
    assert sort_column(amounts, columns.money("Cost", "USD")) == [
        Decimal(-3),
        Decimal("0.0000000001"),
        Decimal("9.5"),
        Decimal(100),
        Decimal("1000.25"),
        None,
    ]


def test_counts_sort_by_number() -> None:
    assert sort_column([9, 100, None, 20_000], columns.count("Requests")) == [9, 100, 20_000, None]


def test_days_sort_by_date() -> None:
    days = [date(2026, 2, 1), None, date(2025, 11, 20), date(2026, 1, 3)]
    assert sort_column(days, columns.day("Day")) == [
        date(2025, 11, 20),
        date(2026, 1, 3),
        date(2026, 2, 1),
        None,
    ]


def test_whole_day_sorts_right_before_its_moments() -> None:
    midnight = datetime(2026, 11, 19, 23, 0, tzinfo=UTC)  # in Berlin
    whole_day = date(2026, 11, 20)
    evening_before = datetime(2026, 11, 19, 22, 59, tzinfo=UTC)
    ordered = [evening_before, whole_day, midnight]
    assert sort_column([midnight, whole_day, evening_before], columns.instant("When", BERLIN)) == ordered


def test_moments_of_the_repeated_hour_sort_by_time() -> None:
    first, second = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))  # both 02:30 in Berlin
    assert sort_column([second, first], columns.instant("When", BERLIN)) == [first, second]


def test_money_ranges_sort_by_lower_bound() -> None:
    low, high = (Decimal(9), Decimal(500)), (Decimal(80), Decimal(90))
    assert sort_column([high, low], columns.money_range("Range", "USD")) == [low, high]


def test_equal_values_keep_their_own_texts() -> None:
    """An error rate of 0 of 3 requests is `0 of 3`, one of 0 of 160 is `0%`."""
    counts = [160, 3, None, 160, 5]
    frame = pd.DataFrame({"x": pd.Series(counts, dtype=object)})
    kind = columns.number("Errors", lambda n: f"0 of {n}" if n < 20 else "0%", lambda _: 0.0)
    shown = shown_table(draw(frame, {"x": kind}))["x"]
    assert list(shown) == ["0%", "0 of 3", "", "0%", "0 of 5"]


def test_names_are_drawn_in_the_colour_of_text() -> None:
    """Streamlit draws pinned columns pale."""
    assert not any(kind.config.get("pinned") for kind in ALL_KINDS.values())


ALL_KINDS = {
    "name": columns.name("Model"),
    "note": columns.text("Note"),
    "cost": columns.money("Cost", "EUR"),
    "range": columns.money_range("80% range", "USD"),
    "factor": columns.number("Factor", lambda factor: f"{factor:.1f}x"),
    "requests": columns.count("Requests"),
    "day": columns.day("Day"),
    "when": columns.instant("When", BERLIN),
    "share": columns.share("Share"),
    "trend": columns.trend("Trend"),
}


def draw(frame: pd.DataFrame, kinds: dict[str, Column], **options: Any) -> Any:
    """The table as the browser gets it."""

    def page() -> None:
        tables.render_table(frame, kinds, "Models", **options)

    test = AppTest.from_function(_run, default_timeout=SECONDS, args=(page,)).run()
    assert not test.exception
    return test.dataframe[0]


def _run(page) -> None:  # type: ignore[no-untyped-def] # its text runs alone, without imports
    page()


@pytest.fixture(scope="module")
def one_row() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "name": "<b>gpt</b> **bold**",
                "note": "=1+1",
                "cost": Decimal("1234.565"),
                "range": (Decimal(1), Decimal("2.5")),
                "factor": Decimal("3.14"),
                "requests": 12_345,
                "day": date(2026, 11, 20),
                "when": datetime(2026, 11, 20, 13, 5, tzinfo=UTC),
                "share": 40.0,
                "trend": [1.0, 2.0],
            }
        ]
    )


def test_table_shows_exact_texts(one_row: pd.DataFrame) -> None:
    shown = shown_table(draw(one_row, ALL_KINDS)).iloc[0]
    assert shown["name"] == "<b>gpt</b> **bold**"
    assert shown["cost"] == "€1,234.57"  # half up; the nearest float is below the half
    assert shown["range"] == "$1.00 – $2.50"  # noqa: RUF001 - an en dash
    assert shown["factor"] == "3.1x"
    assert shown["day"] == "20 Nov 2026"
    assert shown["when"] == "20 Nov 2026, 14:05"


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=400))
def test_trends_are_drawn_in_steps_of_their_values(values: list[float]) -> None:
    steps = columns.draw_steps(values)
    times = len(steps) // len(values)
    assert steps == [value for value in values for _ in range(times)]
    assert times >= 3 or len(values) > 60, "curves between two values round only the outer ones"
    assert len(steps) <= max(180, len(values))


def test_a_trend_reaches_the_browser_in_steps(one_row: pd.DataFrame) -> None:
    assert list(draw(one_row, ALL_KINDS).value["trend"].iloc[0]) == [1.0] * 8 + [2.0] * 8


@pytest.mark.parametrize(("is_compact", "shown"), [(False, "1,234,567"), (True, "1.23M")])
def test_unknown_requests_are_a_dash_and_never_0(is_compact: bool, shown: str) -> None:
    column = columns.requests(is_compact)
    counts = [1_234_567, 0, 25]
    texts = shown_table(draw(pd.DataFrame({"requests": counts}), {"requests": column}))["requests"]
    assert texts.tolist() == [shown, "–", "25"]  # noqa: RUF001 - an en dash
    assert sort_column(counts, column) == [0, 25, 1_234_567]


def test_columns_have_sortable_types(one_row: pd.DataFrame) -> None:
    types = draw(one_row, ALL_KINDS).value.dtypes
    assert all(pd.api.types.is_float_dtype(types[column]) for column in ("cost", "range", "factor", "share"))
    assert pd.api.types.is_integer_dtype(types["requests"])
    assert all(pd.api.types.is_datetime64_any_dtype(types[column]) for column in ("day", "when"))


def test_number_headings_align_right_with_their_numbers() -> None:
    for column in ("cost", "range", "factor", "requests"):
        assert ALL_KINDS[column].config["alignment"] == "right"
        assert ALL_KINDS[column].config["label"].startswith(ALIGN_RIGHT)
    assert ALL_KINDS["name"].config["label"] == "Model"


def test_absent_values_show_as_the_page_says() -> None:
    frame = pd.DataFrame({"cost": pd.Series([None, Decimal(1)], dtype=object)})
    table = draw(frame, {"cost": columns.money("Cost", "USD")}, absent="no price")
    assert table.proto.placeholder == "no price"
    assert table.value["cost"].isna().tolist() == [True, False]


def test_columns_that_the_frame_lacks_are_left_out() -> None:
    table = draw(pd.DataFrame({"cost": [1.0], "hidden": ["x"]}), ALL_KINDS)
    assert table.value.columns.tolist() == ["cost"]


def test_long_tables_scroll() -> None:
    assert tables.table_height(25) == "content"
    assert tables.table_height(26) == tables.SCROLLING_HEIGHT


def test_long_names_get_a_fixed_width() -> None:
    frame = pd.DataFrame({"short": ["gpt"], "long": ["x" * 29]})
    kinds = {"short": columns.name("Short"), "long": columns.name("Long")}
    configured = tables.configure_columns(frame, kinds)
    assert configured["short"]["width"] is None
    assert configured["long"]["width"] == columns.NAME_WIDTH


def test_columns_that_fit_are_as_wide_as_their_longest_text() -> None:
    charges = pd.DataFrame({"charge": ["Usage"] * 20 + ["Adjustment"], "basis": ["Billed"] * 21})
    kinds = {"charge": columns.fitting_text("Charge"), "basis": columns.fitting_text("Basis of a cost")}
    configured = tables.configure_columns(charges, kinds)
    assert configured["charge"]["width"] == 89
    assert configured["basis"]["width"] is None

    charges["charge"] = "x" * 99
    assert tables.configure_columns(charges, kinds)["charge"]["width"] == columns.FITTING_WIDTH


def test_description_says_how_numbers_sort() -> None:
    table = draw(pd.DataFrame({"cost": [1.0]}), ALL_KINDS)
    assert table.proto.alt == "Models. Numbers and dates sort by value."


def test_table_with_a_key_is_selectable() -> None:
    frame = pd.DataFrame({"cost": [1.0]})
    assert draw(frame, ALL_KINDS, key="costs").proto.selection_mode
    assert not draw(frame, ALL_KINDS).proto.selection_mode


@pytest.mark.parametrize(("selection", "row"), [([], None), ([1], 1), ([2], None)])
def test_selected_row_is_one_of_the_table(
    selection: list[int], row: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ui.tables.st.session_state", {"t": {"selection": {"rows": selection}}})
    assert tables.selected_row("t", 2) == row


def test_empty_table_keeps_its_columns() -> None:
    frame = pd.DataFrame(columns=list(ALL_KINDS), dtype=object)
    assert draw(frame, ALL_KINDS).value.columns.tolist() == list(ALL_KINDS)
