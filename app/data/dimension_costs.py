"""Costs by a dimension of records: agent, task, repository and others."""

from datetime import date
from typing import NamedTuple, cast

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


def load_recent_values(user: User) -> dict[str, list[str]]:
    """Agents, environments and customers that the newest records name, by dimension."""
    return _recent_values(user, data_version(user))


@cached
def _recent_values(user: User, version: str) -> dict[str, list[str]]:  # noqa: ARG001
    return cast(dict[str, list[str]], call(user, "recent_values"))


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
