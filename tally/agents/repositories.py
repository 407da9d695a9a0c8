"""Branches and repositories that logs name, without addresses and credentials."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tally.agents.json_values import read_name
from tally.core.repositories import name_repository

NO_BRANCH = "HEAD"  # of a checkout without a branch


def read_branch(values: Mapping[str, Any], key: str) -> str:
    """Return the name of a branch; empty when there is none."""
    return _name_branch(read_name(values, key))


@lru_cache(1_000)  # one object for equal names, which is sent between processes once
def _name_branch(branch: str) -> str:
    return "" if branch == NO_BRANCH else branch


def read_repository(values: Mapping[str, Any], key: str) -> str:
    """Return a repository as owner/name, or the last part of a local path; empty when there is none."""
    address = values.get(key)
    return name_repository(address) if isinstance(address, str) else ""
