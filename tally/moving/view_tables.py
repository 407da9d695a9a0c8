"""Saved views of Explore in an export of everything, and the filters in their addresses."""

from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

from tally.moving import cells
from tally.moving.table import NAME, make_table

# Characters: an email address in place of an id is longer. A CSV reader takes no more than 131,072.
MAX_QUERY = 100_000
VIEWS = make_table(
    "saved_views", "name query", {"name": NAME, "query": cells.text(MAX_QUERY)}, order=("name",)
)
_FILTER, _MARK = "where", ":"  # where=project:<id>


def change_filters(query: str, change: Callable[[str, str], str | None]) -> str:
    """The query with other values of its filters; a value for which `change` gives None is left out."""
    changed = []
    for name, text in parse_qsl(query, keep_blank_values=True):
        dimension, mark, value = text.partition(_MARK)
        if name != _FILTER or not mark:
            changed.append((name, text))
        elif (other := change(dimension, value)) is not None:
            changed.append((name, f"{dimension}{_MARK}{other}"))
    return urlencode(changed)


def normalize(query: str) -> str:
    """The query as others with the same parameters are written."""
    return change_filters(query, lambda _, value: value)


def list_filters(query: str) -> set[str]:
    """The dimensions that a query filters by."""
    return {
        text.partition(_MARK)[0] for name, text in parse_qsl(query, keep_blank_values=True) if name == _FILTER
    }
