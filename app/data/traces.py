"""Traces: lists, one trace with its spans, and for how long they are kept.

Lists are not cached by data version, which does not change with every span, but for a moment.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from app.auth.identity import User, database_of
from app.data.analytics import ask_engine
from app.data.reading import cached, cached_as_is, cached_for_a_moment
from tally.core.garbage import collector_paused
from tally.storage.database import Query, Row, select_first
from tally.traces import lists
from tally.traces.lists import SessionList, TraceFilter, TraceList
from tally.traces.waterfall import Waterfall, build_waterfall


class ContentRules(NamedTuple):
    """Days for which prompts and answers are kept, None for none, and words that are removed from them."""

    days: int | None
    words: list[str]


@cached_for_a_moment
def load_traces(user: User, chosen: TraceFilter, page: int) -> TraceList:
    """A page of the traces that meet a filter; pages count from 1."""
    return lists.find_traces(partial(ask_engine, user), chosen, page)


@cached_for_a_moment
def load_sessions(user: User, chosen: TraceFilter, page: int) -> SessionList:
    """A page of the sessions of a period; pages count from 1."""
    return lists.find_sessions(partial(ask_engine, user), chosen, page)


def load_waterfall(user: User, trace_id: str) -> Waterfall | None:
    """The spans of a trace that the user may see; None if there are none."""
    return _waterfall(user, trace_id, str(lists.load_trace(database_of(user), trace_id)))


@cached_as_is
def _waterfall(user: User, trace_id: str, version: str) -> Waterfall | None:  # noqa: ARG001
    with collector_paused():  # of thousands of spans, it took as long as all else
        spans = lists.load_spans(database_of(user), trace_id)
        return build_waterfall(spans) if spans else None


@cached
def load_span_details(user: User, trace_id: str, span_id: str) -> Mapping[str, Any]:
    """Tags, resource and metadata of a span."""
    return lists.load_details(database_of(user), trace_id, span_id)


def load_content(user: User, trace_id: str, span_id: str) -> Mapping[str, str]:
    """Prompts and answers of a span by part, from no cache: they may be deleted at any time."""
    return lists.load_content(database_of(user), trace_id, span_id)


def load_content_rules(user: User) -> ContentRules:
    """For how long the workspace keeps what is said in spans, and without which words."""
    where = {"id": user.workspace.workspace_id}
    query = Query("workspaces", "id,content_days,content_words", ["id"], where)
    row: Row | None = select_first(database_of(user), query)
    return ContentRules(row["content_days"], row["content_words"]) if row else ContentRules(None, [])


def load_trace_days(user: User) -> int:
    """For how many days the workspace keeps traces."""
    where = {"id": user.workspace.workspace_id}
    row: Row | None = select_first(database_of(user), Query("workspaces", "id,trace_days", ["id"], where))
    return int(row["trace_days"]) if row else 0
