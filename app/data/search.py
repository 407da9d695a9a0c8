"""The search of a workspace, as the field "Jump to…" asks for it."""

from functools import partial

from app.auth.identity import User
from app.data.reading import call
from tally.search import Hit, PostgresSearch, Question


def search(user: User, question: Question) -> list[Hit]:
    """Search the user's workspace: hits, best first; raises DatabaseError."""
    return PostgresSearch(partial(call, user)).search(question)
