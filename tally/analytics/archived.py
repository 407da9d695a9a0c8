"""Archived records, which Postgres has no more, and the engine only if it had them before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tally.analytics.client import EngineError
from tally.analytics.exploration import Question
from tally.analytics.rights import Scope

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

COUNTS = """
select sumForEach(arrayMap(
    span -> toUInt64(timestamp >= span.1 and timestamp < span.2),
    arrayZip(
        arrayMap(day -> toDateTime64(day, 6, 'UTC'), {first_days:Array(String)}),
        arrayMap(day -> toDateTime64(day, 6, 'UTC'), {end_days:Array(String)})
    )
)) as counts
from $records"""


def check_archives(client: Client, question: Question) -> None:
    """Raise EngineError unless the engine has all archived records of the question's period."""
    if not question.archives:
        return
    first_days, end_days, expected = zip(*question.archives, strict=True)
    everybody = replace(question.rights, of_person=None)
    scope = Scope(client, everybody, _midnight(min(first_days)), _midnight(max(end_days)))
    [row] = scope.ask(COUNTS, {"first_days": list(first_days), "end_days": list(end_days)})
    if list(row["counts"] or [0] * len(expected)) != list(expected):
        raise EngineError("The analytics engine lacks archived records of this period.")


def _midnight(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)
