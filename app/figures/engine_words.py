"""The engine that answered a question, in words."""

from tally.analytics.answers import Source
from tally.core.text import plural


def describe_source(source: Source | None) -> str:
    """The engine, how current its answer is, or why the other one did not answer; empty without a choice."""
    if source is None:
        return ""
    if source.engine == "postgres":
        return f"Answered by Postgres. {source.reason}".strip()
    seconds = round(source.seconds_behind)
    if not seconds:
        return "Answered by ClickHouse, up to date."
    return f"Answered by ClickHouse, as of {plural(seconds, 'second')} ago."
