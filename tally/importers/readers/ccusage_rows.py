"""ccusage's reports as rows: one for each day and model, whichever shape the report has.

- `modelBreakdowns`, a list, and `models`, an object, split a day by model.
- `projects` (`--instances`) has a list of days for each project.
- Parts with a cost alone have no tokens of their own: those of the day are a row without model or cost.
"""

from collections.abc import Iterator, Mapping
from typing import Any

PARTS, MODELS, PROJECTS, NAME = "modelBreakdowns", "models", "projects", "modelName"
TOKENS = ("inputTokens", "outputTokens", "cacheCreationTokens", "cacheReadTokens")


def join_projects(document: object) -> object:
    """The document with one list of the days of all projects; any other as it is."""
    projects = document.get(PROJECTS) if isinstance(document, dict) else None
    if not isinstance(projects, dict) or not projects or not all(map(_is_days, projects.values())):
        return document
    return {"daily": [row | {"project": name} for name, rows in projects.items() for row in rows]}


def split_by_model(row: object) -> Iterator[object]:
    """One row for each model of a day; any other row as it is."""
    parts = _find_parts(row) if isinstance(row, dict) else []
    if not isinstance(row, dict) or not parts:
        yield row
        return
    whole = {key: value for key, value in row.items() if key not in (PARTS, MODELS)}
    if len(parts) == 1:
        yield whole | parts[0]
        return
    shared = {key: value for key, value in whole.items() if not _is_figure(key)}
    for part in parts:
        yield shared | part
    if not any(key in part for part in parts for key in TOKENS):
        yield shared | {key: whole[key] for key in TOKENS if key in whole} | {"cost": 0}


def _find_parts(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    parts, models = row.get(PARTS), row.get(MODELS)
    if isinstance(parts, list) and all(isinstance(part, dict) for part in parts):
        return parts
    if isinstance(models, dict) and all(map(_is_usage, models.values())):
        return [{**usage, NAME: name} for name, usage in models.items()]
    return []


def _is_days(rows: object) -> bool:
    return isinstance(rows, list) and all(isinstance(row, dict) and TOKENS[0] in row for row in rows)


def _is_usage(value: object) -> bool:
    return isinstance(value, dict) and TOKENS[0] in value


def _is_figure(key: str) -> bool:
    return key.endswith("Tokens") or "cost" in key.lower()
