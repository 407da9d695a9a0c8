"""Dimensions that records carry in their metadata: what a call was for, and where it ran.

Telemetry, coding agents' logs and files write them under these keys; `private.dimension_value` reads them in
the database. The attributes of telemetry that fill them are in `tally/telemetry/vocabularies/keys.py`.
"""

from typing import Literal, NamedTuple, get_args

DimensionName = Literal[
    "agent",
    "task",
    "session",
    "tool",
    "repository",
    "branch",
    "environment",
    "container",
    "customer",
    "prompt",
]
DIMENSION_NAMES: tuple[DimensionName, ...] = get_args(DimensionName)


class Dimension(NamedTuple):
    """A dimension: its title, the name of records without it, and its keys; the first present one counts."""

    title: str
    none: str
    keys: tuple[str, ...]


DIMENSIONS: dict[DimensionName, Dimension] = {
    "agent": Dimension("Agent", "No agent", ("agent",)),
    "task": Dimension("Task", "No task", ("task",)),
    "session": Dimension("Session", "No session", ("session", "session_id")),
    "tool": Dimension("Tool", "No tool", ("tool",)),
    "repository": Dimension("Repository", "No repository", ("repository",)),
    "branch": Dimension("Branch", "No branch", ("branch",)),
    "environment": Dimension("Environment", "No environment", ("environment",)),
    "container": Dimension("Container", "No container", ("container",)),
    "customer": Dimension("Customer", "No customer", ("end_user", "customer")),
    "prompt": Dimension("Prompt", "No prompt", ("prompt_name",)),  # `prompt` may be its text
}
