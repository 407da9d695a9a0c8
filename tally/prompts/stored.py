"""Prompts as the database has them, and what people change of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from tally.prompts.content import PromptError, check_content
from tally.prompts.template import find_variables
from tally.storage.database import Database

PRODUCTION = "production"
Shares = Mapping[int, Decimal]  # percent by version number


class Share(NamedTuple):
    """A share of an environment's traffic that a version has, since its first deployment there."""

    environment: str
    number: int
    percent: Decimal
    since: datetime


@dataclass(frozen=True, slots=True)
class PromptSummary:
    """A prompt in a list; `newest` is the number of its newest version, `texts` how many have a text."""

    name: str
    project_id: str | None
    tags: tuple[str, ...]
    is_archived: bool
    versions: int
    newest: int | None
    texts: int
    live: tuple[Share, ...]

    def runs(self, environment: str = PRODUCTION) -> tuple[Share, ...]:
        """The versions that an environment is given, those with the largest share first."""
        return tuple(share for share in self.live if share.environment == environment)


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a prompt; `told` is what programs call one that has another number here."""

    number: int
    told: str | None
    message: str
    author_id: str | None
    labels: tuple[str, ...]
    variables: tuple[str, ...]
    created_at: datetime
    sha256: str | None  # None for one without a text


@dataclass(frozen=True, slots=True)
class Live:
    """The shares of an environment, and those before; None where nothing ran before."""

    environment: str
    from_at: datetime
    shares: Shares
    before: Shares | None


class Deployment(NamedTuple):
    """A share of an environment's traffic from an instant to another, None for what runs."""

    environment: str
    number: int
    percent: Decimal
    from_at: datetime
    to_at: datetime | None
    by: str | None


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt with its versions and deployments, the newest first."""

    name: str
    project_id: str | None
    tags: tuple[str, ...]
    is_archived: bool
    versions: tuple[Version, ...]
    live: tuple[Live, ...]
    deployments: tuple[Deployment, ...]

    def runs(self, environment: str = PRODUCTION) -> Live | None:
        """The shares of an environment now."""
        return next((live for live in self.live if live.environment == environment), None)

    def version(self, number: int) -> Version | None:
        """The version of a number."""
        return next((version for version in self.versions if version.number == number), None)


class Text(NamedTuple):
    """The text of a version; None where only records name it."""

    number: int
    content: str | None
    sha256: str | None
    variables: tuple[str, ...]
    message: str


class Pushed(NamedTuple):
    """The version that a text is; not new where the newest version has this text."""

    number: int
    sha256: str
    is_new: bool


def load_prompts(database: Database, search: str = "", is_archived: bool = False) -> list[PromptSummary]:
    """The prompts whose name, tags or messages contain a text, by name."""
    rows = database.call("list_prompts", search=search, archived=is_archived)
    return [_read_summary(row) for row in rows]


def load_prompt(database: Database, name: str) -> Prompt:
    """A prompt; raises DatabaseError for one that is not there."""
    row = database.call("read_prompt", prompt=name)
    return Prompt(
        name=row["name"],
        project_id=row["project_id"],
        tags=tuple(row["tags"]),
        is_archived=row["archived_at"] is not None,
        versions=tuple(map(_read_version, row["versions"])),
        live=tuple(map(_read_live, row["live"])),
        deployments=tuple(map(_read_deployment, row["deployments"])),
    )


def load_text(database: Database, name: str, number: int) -> Text:
    """The text of a version; raises DatabaseError for one that is not there."""
    row = database.call("prompt_text", prompt=name, number=number)
    return Text(row["number"], row["content"], row["sha256"], tuple(row["variables"]), row["message"])


def push_prompt(
    database: Database, name: str, text: str, message: str = "", labels: Sequence[str] = ()
) -> Pushed:
    """Keep a text as the newest version; raises PromptError for a text that is none, and DatabaseError."""
    if name.strip() in (".", ".."):
        raise PromptError(
            f"A prompt cannot be named “{name.strip()}”, which is no address. Choose another name."
        )
    content = check_content(text)
    row = database.call(
        "push_prompt",
        name=name,
        content=content,
        message=message,
        variables=tuple(find_variables(content)),
        labels=tuple(labels),
    )
    return Pushed(row["number"], row["sha256"], row["is_new"])


def deploy_prompt(database: Database, name: str, environment: str, shares: Shares) -> bool:
    """Give an environment versions by their shares; False where it has them. Raises DatabaseError."""
    given = {str(number): _as_number(share) for number, share in shares.items()}
    answer = database.call("deploy_prompt", prompt=name, environment=environment, shares=given)
    return bool(answer["is_new"])


def roll_back(database: Database, name: str, environment: str = PRODUCTION) -> Shares:
    """Deploy again what ran before, and return it; raises DatabaseError."""
    answer = database.call("roll_back_prompt", prompt=name, environment=environment)
    return read_shares(answer["shares"])


def describe_shares(shares: Shares) -> str:
    """Such as "v7 90%, v8 10%", the largest share first; "v7" alone."""
    if len(shares) == 1:
        return f"v{next(iter(shares))}"
    largest = sorted(shares.items(), key=lambda share: (-share[1], share[0]))
    return ", ".join(f"v{number} {percent.normalize():f}%" for number, percent in largest)


def read_shares(row: Mapping[str, Any]) -> dict[int, Decimal]:
    """Shares by version number."""
    return {int(number): _read_percent(share) for number, share in row.items()}


def _read_percent(share: object) -> Decimal:
    """A share without zeros at its end."""
    percent = Decimal(str(share))
    whole = percent.to_integral_value()
    return whole if percent == whole else percent


def _as_number(share: Decimal) -> int | float:
    """A share for JSON; two decimals are exact enough as a float to be the same again."""
    return int(share) if share == int(share) else float(share)


def _read_summary(row: Mapping[str, Any]) -> PromptSummary:
    return PromptSummary(
        name=row["name"],
        project_id=row["project_id"],
        tags=tuple(row["tags"]),
        is_archived=row["archived_at"] is not None,
        versions=row["versions"],
        newest=row["newest"],
        texts=row["texts"],
        live=tuple(
            Share(
                share["environment"],
                share["number"],
                _read_percent(share["share"]),
                datetime.fromisoformat(share["since"]),
            )
            for share in row["live"]
        ),
    )


def _read_version(row: Mapping[str, Any]) -> Version:
    return Version(
        number=row["number"],
        told=row["told_version"],
        message=row["message"],
        author_id=row["author_id"],
        labels=tuple(row["labels"]),
        variables=tuple(row["variables"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        sha256=row["sha256"],
    )


def _read_live(row: Mapping[str, Any]) -> Live:
    before = row["before"]
    return Live(
        row["environment"],
        datetime.fromisoformat(row["from_at"]),
        read_shares(row["shares"]),
        None if before is None else read_shares(before),
    )


def _read_deployment(row: Mapping[str, Any]) -> Deployment:
    return Deployment(
        row["environment"],
        row["number"],
        _read_percent(row["share"]),
        datetime.fromisoformat(row["from_at"]),
        row["to_at"] and datetime.fromisoformat(row["to_at"]),
        row["deployed_by"],
    )
