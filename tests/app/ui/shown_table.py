"""The tables of an AppTest as their reader sees them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Any

import pandas as pd
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.testing.v1 import AppTest

TABLE = re.compile(r'<table data-table="([^"]*)" aria-label="([^"]*)">(.*?)</table>', re.DOTALL)
HEAD = re.compile(r'<th scope="col" data-column="([^"]*)"')
CELL = re.compile(r"<td[^>]*>(.*?)</td>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Shown:
    """A table of `app.ui.html_table`: its key, its description, its texts, and where its rows lead."""

    key: str
    alt: str
    value: pd.DataFrame
    addresses: list[str]


def tables(page: AppTest) -> list[Any]:
    """All tables in the order of the page: those of HTML as `Shown`, and Streamlit's own."""
    return list(_list_tables(page))


def shown_table(table: Any) -> pd.DataFrame:
    """The texts of a table; the `value` of Streamlit's own has what the columns sort by."""
    if isinstance(table, Shown):
        return table.value
    return convert_arrow_bytes_to_pandas_df(table.proto.arrow_data.styler.display_values)


def select_line(page: AppTest, key: str, place: int) -> AppTest:
    """Select a row, as a click on a line of the list or on a row of the table does."""
    [choice] = [radio for radio in page.radio if str(radio.key).startswith(f"list-of-{key}")]
    choice.set_value(place).run()
    assert not page.exception
    return page


def parse_tables(markup: str) -> Iterator[Shown]:
    """The tables in HTML."""
    for key, alt, table in TABLE.findall(markup):
        head, _, body = table.partition("</thead>")
        rows = [[_read(cell) for cell in CELL.findall(row)] for row in body.split("<tr ")[1:]]
        frame = pd.DataFrame(rows, columns=HEAD.findall(head), dtype=object)
        addresses = [unescape(each) for each in re.findall(r'class="tally-go" href="([^"]*)"', body)]
        yield Shown(unescape(key), unescape(alt), frame, addresses)


def _list_tables(page: AppTest) -> Iterator[Any]:
    for element in page._tree:
        if element.type in ("dataframe", "arrow_data_frame"):
            yield element
        elif element.type == "html":
            yield from parse_tables(str(element.proto.body))


def _read(cell: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", cell))
