"""Prompts with their versions and deployments."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby

from tally.moving.prompt_tables import DEPLOYMENTS, PROMPTS, VERSIONS
from tally.moving.table import Row
from tally.moving.target import Target
from tally.storage.database import DatabaseError, NotAllowed, SignedOut, Unreachable

MAX_CHARACTERS = 4_000_000  # of the texts of one request
NOT_ADDED = "Their prompt was not added."


def bring_prompts(target: Target) -> None:
    """Add the prompts, versions and deployments that the workspace lacks, before projects are archived."""
    deployments: defaultdict[str, list[Row]] = defaultdict(list)
    for row in target.file.rows(DEPLOYMENTS):
        deployments[row["prompt_id"]].append(row)
    prompts = {row["id"]: row for row in target.file.rows(PROMPTS)}
    for prompt_id, versions in groupby(target.file.rows(VERSIONS), lambda row: str(row["prompt_id"])):
        _bring(target, prompts.pop(prompt_id), versions, deployments[prompt_id])
    for prompt in prompts.values():
        _bring(target, prompt, iter(()), [])


def _bring(target: Target, prompt: Row, versions: Iterator[Row], deployments: Sequence[Row]) -> None:
    """Add a prompt with its versions, and in the end its deployments, which refer to these."""
    numbers: dict[str, int] = {}
    is_new = False
    part: list[Row] = []
    try:
        for part in _divide(versions):
            numbers |= {row["id"]: row["number"] for row in part}
            is_new |= _add(target, prompt, part, [])
        part = []
        described = [row | {"number": numbers[row["version_id"]]} for row in deployments]
        is_new |= _add(target, prompt, [], described)
    except (Unreachable, SignedOut, NotAllowed):
        raise
    except DatabaseError as error:
        target.count(PROMPTS).reject(str(error))
        for table, rows in (
            (VERSIONS, len(part) + sum(1 for _ in versions)),
            (DEPLOYMENTS, len(deployments)),
        ):
            if rows:
                target.count(table).reject(NOT_ADDED, rows)
        return
    counts = target.count(PROMPTS)
    if is_new:
        counts.add()
    else:
        counts.find()


def _add(target: Target, prompt: Row, versions: Sequence[Row], deployments: Sequence[Row]) -> bool:
    """Add a part of a prompt, and count it; returns if the prompt is new."""
    given = {"prompt": target.moved(prompt), "versions": versions, "deployments": deployments}
    added = target.database.call("bring_prompt", **given)
    for table, rows in ((VERSIONS, versions), (DEPLOYMENTS, deployments)):
        new = added["versions" if table is VERSIONS else "deployments"]
        target.count(table).add(new)
        target.count(table).find(len(rows) - new)
    return bool(added["is_new"])


def _divide(versions: Iterator[Row]) -> Iterator[list[Row]]:
    """Versions in parts that a request can hold."""
    part: list[Row] = []
    size = 0
    for row in versions:
        part.append(row)
        size += len(row["content"] or "")
        if size > MAX_CHARACTERS:
            yield part
            part, size = [], 0
    if part:
        yield part
