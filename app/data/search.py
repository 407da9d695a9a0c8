"""The search of a workspace, as the field "Jump to…" asks for it."""

from collections.abc import Sequence
from typing import Any, cast

from app.auth.identity import User
from app.data.reading import call


def search(user: User, asked: str, kinds: Sequence[str] | None, most: int) -> list[dict[str, Any]]:
    """What the user finds with each of the words, best first; raises DatabaseError."""
    found = call(user, "search", asked=asked, kinds=kinds and list(kinds), most=most)
    return cast(list[dict[str, Any]], found)
