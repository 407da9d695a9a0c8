"""The search in Postgres: `public.search`, under the caller's rights; names are kept by its triggers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tally.search.engine import MOST_LETTERS, Hit, Question


@dataclass(frozen=True, slots=True)
class PostgresSearch:
    """The search of whoever `call` calls the database's functions for, in one workspace."""

    call: Callable[..., Any]

    def search(self, question: Question) -> list[Hit]:
        """Find what the caller may read; what is longer than a question may be is cut off."""
        asked = question.asked.replace("\0", "")[:MOST_LETTERS]
        found = self.call("search", asked=asked, kinds=list(question.kinds) or None, most=question.most)
        return [Hit(**hit) for hit in found]
