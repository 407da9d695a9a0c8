"""One search over everything in a workspace, behind a protocol that another engine can take over."""

from tally.search.engine import KINDS, Document, Engine, Hit, Index, Question, Reader
from tally.search.postgres import PostgresSearch

__all__ = ["KINDS", "Document", "Engine", "Hit", "Index", "PostgresSearch", "Question", "Reader"]
