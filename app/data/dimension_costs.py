"""Costs by a dimension of records: agent, task, repository and others."""

from datetime import date
from typing import NamedTuple

from app.auth.identity import User
from app.data.reading import cached, call, data_version
from tally.core.dimensions import DimensionName
from tally.storage.dimension_costs import DimensionCosts, ask_for, read_dimension


class AskedCosts(NamedTuple):
    """A period with both ends, in all projects or one; UNASSIGNED stands for costs without one."""

    first: date
    last: date
    top: int  # values that stand alone; the others are one part
    project: str | None = None


def load_dimension_costs(user: User, dimension: DimensionName, asked: AskedCosts) -> DimensionCosts:
    """Costs in US dollars by the value of a dimension, dearest first."""
    return _dimension_costs(
        user, data_version(user), dimension, (asked.first, asked.last, asked.top, asked.project)
    )


@cached
def _dimension_costs(
    user: User,
    version: str,  # noqa: ARG001
    dimension: DimensionName,
    asked: tuple[date, date, int, str | None],
) -> DimensionCosts:
    first, last, top, project = asked
    answer = call(user, "costs_by_dimension", **ask_for(dimension, (first, last), top, project))
    return read_dimension(dimension, answer)
