"""Rights of keys that no database knows."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

from tally.api_keys.verification import Grant


def grant_with(**details: Any) -> Grant:
    """The rights of a new key, with these details."""
    usual = Grant(uuid4(), uuid4(), uuid4(), None, "test", frozenset({"ingest", "read"}), None, None)
    return replace(usual, **details)
