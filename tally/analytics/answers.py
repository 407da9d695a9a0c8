"""Answers to questions about costs and traces, and where they come from."""

from typing import Any, Literal, NamedTuple


class Source(NamedTuple):
    """The engine that gave an answer, how far it is behind, and why it was not the other one."""

    engine: Literal["postgres", "clickhouse"]
    seconds_behind: float = 0
    reason: str = ""  # empty where nothing is amiss


class Answer(NamedTuple):
    """The answer to a question, in the same form from any engine; no source where there was no choice."""

    value: Any
    source: Source | None
