"""A search engine: its questions, its hits, and the documents and rights that it has to know.

Postgres searches its own rows, under the rights of who asks. An engine beside it, for more rows than that
holds, is given the names (`private.search_names`) as documents with whose they are, and makes readers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

KINDS = (
    "model", "provider", "project", "budget", "prompt", "experiment", "invoice", "source", "session", "trace",
    "record", "audit",
)  # fmt: skip
MOST_LETTERS, MOST_HITS = 200, 100  # of a question; of a kind in an answer


@dataclass(frozen=True, slots=True)
class Question:
    """A text whose words are searched, in these kinds or in all, and how many hits of each are wanted."""

    asked: str
    kinds: tuple[str, ...] = ()
    most: int = 8


@dataclass(frozen=True, slots=True)
class Hit:
    """A thing that was found. `place` tells kinds of a kind apart; scores are those of `public.search`."""

    kind: str
    id: str
    title: str
    detail: str = ""
    at: str | None = None
    place: str | None = None
    about: dict[str, Any] | None = None
    score: float = 0


class Engine(Protocol):
    """A search as one reader of one workspace."""

    def search(self, question: Question) -> list[Hit]:
        """Find what the reader may read, best first, grouped by kind; raises DatabaseError."""


@dataclass(frozen=True, slots=True)
class Document:
    """A name, by a key of its own in a workspace; user None is several people's, uses 0 is gone."""

    workspace_id: str
    key: str
    kind: str
    name: str
    detail: str
    user_id: str | None
    project_ids: Sequence[str]
    uses: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Reader:
    """The rights in a workspace: the own rows, or everybody's outside of hidden projects."""

    workspace_id: str
    user_id: str
    sees_everybody: bool
    hidden_projects: frozenset[str] = frozenset()


class Index(Protocol):
    """An engine that has to be told what there is."""

    def index(self, documents: Iterable[Document]) -> None:
        """Add documents, or replace those with their keys; repeating is safe."""

    def as_reader(self, reader: Reader) -> Engine:
        """The search of one reader."""
