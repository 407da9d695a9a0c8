"""The version that a program is given for a label and a key."""

from typing import Any, NamedTuple

from tally.prompts.content import PromptError
from tally.prompts.split import choose_version
from tally.storage.database import Database


class Given(NamedTuple):
    """The version of a caller; `is_split` where other keys may get another one."""

    name: str
    project_id: str | None
    number: int
    sha256: str | None
    is_split: bool


def find_given(database: Database, name: str, label: str, key: str | None) -> Given:
    """The version of an environment or a label; raises PromptError where there is none, and DatabaseError."""
    found: dict[str, Any] = database.call("find_prompt", prompt=name, label=label)
    versions = {row["number"]: row["sha256"] for row in found["versions"]}
    if not versions:
        raise PromptError(
            f"No version of “{name}” runs in {label}, or has this label. "
            f"Deploy one: tally prompts deploy NAME VERSION --environment {label}"
        )
    slots = found["slots"] and {int(number): of_version for number, of_version in found["slots"].items()}
    number = choose_version(slots, found["id"], label, key) if slots else next(iter(versions))
    return Given(found["name"], found["project_id"], number, versions[number], len(versions) > 1)
