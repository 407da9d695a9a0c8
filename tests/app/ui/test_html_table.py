"""Tables of HTML: what their reader sees, how they sort, where rows lead; names stay text."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from app.formats.text import DASH
from app.ui import columns
from app.ui.columns import Column
from app.ui.html_table import Look, draw_table
from app.ui.tables import rank_cells
from app.ui.theme import LIGHT
from tests.app.ui.shown_table import Shown, parse_tables

HOSTILE = '<img src=x onerror="alert(1)">'
BERLIN = ZoneInfo("Europe/Berlin")
LOOK = Look("models", "Models", LIGHT)


def draw(frame: pd.DataFrame, kinds: dict[str, Column], look: Look = LOOK) -> tuple[Shown, str]:
    markup = draw_table(frame, kinds, look)
    [table] = parse_tables(markup)
    return table, markup


def test_cells_are_the_texts_of_exact_values() -> None:
    kinds = {
        "name": columns.name("Model"),
        "cost": columns.money("Cost", "EUR"),
        "requests": columns.count("Requests"),
        "tokens": columns.count("Tokens", is_compact=True),
        "day": columns.day("Day"),
        "when": columns.instant("When", BERLIN),
        "share": columns.use("Share"),
        "hidden": columns.text("Not in the frame"),
    }
    row = {
        "name": "gpt",
        "cost": Decimal("1234.565"),
        "requests": 12_345,
        "tokens": 3_400_000,
        "day": date(2026, 11, 20),
        "when": datetime(2026, 11, 20, 13, 5, tzinfo=UTC),
        "share": 42.4,
    }
    frame = pd.DataFrame([row, dict.fromkeys(row)], dtype=object)
    table, _ = draw(frame, kinds)
    assert dict(table.value.iloc[0]) == {
        "name": "gpt",
        "cost": "€1,234.57",
        "requests": "12,345",
        "tokens": "3.4M",
        "day": "20 Nov 2026",
        "when": "20 Nov 2026, 14:05",
        "share": "42%",
    }
    assert set(table.value.iloc[1]) == {DASH}
    assert table.alt == "Models. Numbers and dates sort by value."


def test_names_addresses_and_headings_stay_text() -> None:
    frame = pd.DataFrame({"name": [HOSTILE], "cost": [1]})
    kinds = {"name": columns.name(HOSTILE), "cost": columns.number("Cost", lambda _: HOSTILE)}
    look = Look(HOSTILE, HOSTILE, LIGHT, HOSTILE, [f'/explore?where="{HOSTILE}'])
    table, markup = draw(frame, kinds, look)
    assert "<img" not in markup
    assert list(table.value.iloc[0]) == [HOSTILE, HOSTILE]
    assert table.addresses == [f'/explore?where="{HOSTILE}']


def test_rows_lead_to_their_addresses_or_are_chosen() -> None:
    frame = pd.DataFrame({"colour": ["#fff", "#000"], "name": ["a", "b"]})
    kinds = {"colour": columns.mark("Colour"), "name": columns.name("Name")}
    table, markup = draw(frame, kinds, LOOK._replace(addresses=["", "/b"]))
    assert table.addresses == ["/b"]
    assert "<button" not in markup.partition("</thead>")[2]
    _, markup = draw(frame, kinds, LOOK._replace(is_choice=True, chosen=1))
    assert [part.partition('"')[0] for part in markup.split('aria-pressed="')[1:]] == ["false", "true"]
    assert markup.count("class=chosen") == 1


def test_pictures_are_no_reason_to_sort() -> None:
    frame = pd.DataFrame({"course": [[1.0, 2.0], []], "cost": [Decimal(1), Decimal(2)]})
    _, markup = draw(frame, {"course": columns.trend("Trend"), "cost": columns.money("Cost", "USD")})
    assert markup.count('aria-sort="none"') == 1
    assert markup.count("data-at=") == 2
    assert markup.count("<img") == 1


def test_long_tables_scroll_below_their_headings() -> None:
    def is_scrolling(rows: int) -> bool:
        return "tally-table scrolls" in draw(pd.DataFrame({"n": range(rows)}), {"n": columns.count("N")})[1]

    assert (is_scrolling(25), is_scrolling(26)) == (False, True)


@given(st.lists(st.none() | st.decimals(-(10**12), 10**12, places=10), max_size=30))
def test_ranks_order_cells_by_value(amounts: list[Decimal | None]) -> None:
    ranks = rank_cells(pd.Series(amounts, dtype=object), columns.money("Cost", "USD"))
    assert [rank is None for rank in ranks] == [amount is None for amount in amounts]
    known: list[Any] = [pair for pair in zip(amounts, ranks, strict=True) if pair[0] is not None]
    for one, rank in known:
        for other, other_rank in known:
            assert (float(one) < float(other)) == (rank < other_rank)


def test_texts_are_ranked_without_regard_to_case() -> None:
    assert rank_cells(pd.Series(["b", "A", None, "a"]), columns.text("Name")) == [2, 1, None, 1]
