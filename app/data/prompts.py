"""Prompts with their versions and figures, and changes of them."""

from collections.abc import Sequence
from datetime import date

from app.auth.identity import User, database_of
from app.data.reading import cached, data_version, forget_version
from tally.prompts import stored
from tally.prompts.figures import PromptFigures, load_figures
from tally.prompts.scores import PromptScores, load_scores
from tally.prompts.stored import Prompt, PromptSummary, Pushed, Shares, Text


def load_prompts(user: User, search: str = "", is_archived: bool = False) -> list[PromptSummary]:
    """The prompts whose name, tags or messages contain a text, by name."""
    return _prompts(user, data_version(user), search, is_archived)


@cached
def _prompts(user: User, version: str, search: str, is_archived: bool) -> list[PromptSummary]:  # noqa: ARG001
    return stored.load_prompts(database_of(user), search, is_archived)


def load_prompt(user: User, name: str) -> Prompt | None:
    """A prompt with its versions; None if there is none of this name that the user may see."""
    return _prompt(user, data_version(user), name)


@cached
def _prompt(user: User, version: str, name: str) -> Prompt | None:  # noqa: ARG001
    if all(prompt.name != name for archived in (False, True) for prompt in load_prompts(user, "", archived)):
        return None
    return stored.load_prompt(database_of(user), name)


def load_prompt_text(user: User, name: str, number: int) -> Text:
    """The text of a version; raises DatabaseError."""
    return _text(user, data_version(user), name, number)


@cached
def _text(user: User, version: str, name: str, number: int) -> Text:  # noqa: ARG001
    return stored.load_text(database_of(user), name, number)


def load_prompt_figures(
    user: User, days: tuple[date, date], project: str | None, prompt: str | None = None
) -> PromptFigures:
    """Figures of a period, of all prompts or one; raises DatabaseError, also for too many calls."""
    return _figures(user, data_version(user), days, project, prompt)


@cached
def _figures(
    user: User,
    version: str,  # noqa: ARG001
    days: tuple[date, date],
    project: str | None,
    prompt: str | None,
) -> PromptFigures:
    return load_figures(database_of(user), *days, project, prompt)


def load_prompt_scores(
    user: User, days: tuple[date, date], project: str | None, prompt: str | None = None
) -> PromptScores:
    """Scores of a period, of all prompts or one; raises DatabaseError."""
    return _scores(user, data_version(user), days, project, prompt)


@cached
def _scores(
    user: User,
    version: str,  # noqa: ARG001
    days: tuple[date, date],
    project: str | None,
    prompt: str | None,
) -> PromptScores:
    return load_scores(database_of(user), *days, project, prompt)


def push_prompt(user: User, name: str, text: str, message: str) -> Pushed:
    """Keep a text as the newest version; raises PromptError and DatabaseError."""
    pushed = stored.push_prompt(database_of(user), name, text, message)
    forget_version(user)
    return pushed


def deploy_prompt(user: User, name: str, environment: str, shares: Shares) -> bool:
    """Give an environment versions by their shares; False where it has them. Raises DatabaseError."""
    is_new = stored.deploy_prompt(database_of(user), name, environment, shares)
    forget_version(user)
    return is_new


def roll_back_prompt(user: User, name: str, environment: str) -> Shares:
    """Deploy again what ran before; raises DatabaseError."""
    shares = stored.roll_back(database_of(user), name, environment)
    forget_version(user)
    return shares


def label_prompt_version(user: User, name: str, number: int, labels: Sequence[str]) -> None:
    """Give a version these labels, which other versions lose; raises DatabaseError."""
    database_of(user).call("label_prompt_version", prompt=name, number=number, labels=tuple(labels))
    forget_version(user)


def change_prompt(user: User, name: str, tags: Sequence[str], project_id: str | None) -> None:
    """Set the tags and the project of a prompt; raises DatabaseError."""
    database_of(user).call("change_prompt", prompt=name, tags=tuple(tags), project=project_id)
    forget_version(user)


def archive_prompt(user: User, name: str, is_archived: bool) -> None:
    """Archive a prompt or restore it; raises DatabaseError."""
    database_of(user).call("archive_prompt", prompt=name, archived=is_archived)
    forget_version(user)
