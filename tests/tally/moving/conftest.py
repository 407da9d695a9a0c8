"""Two installations, and a furnished workspace in the first."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tally.local.running import running_stack
from tally.local.stack import Stack
from tally.moving.file import ExportManifest
from tally.moving.leaving import export_workspace
from tally.storage.postgrest import SupabaseDatabase
from tests.embedded import free_port_block, migrated_home
from tests.tally.moving.houses import furnish, inventory
from tests.tally.people import over_http, sign_up


@pytest.fixture(scope="session")
def other_stack() -> Iterator[Stack]:
    with migrated_home() as home, running_stack(home, free_port_block()) as stack:
        yield stack


@pytest.fixture
def house(stack: Stack) -> SupabaseDatabase:
    """Somebody's personal workspace with something in every table."""
    database = over_http(stack, sign_up(stack))
    furnish(database)
    return database


@pytest.fixture
def elsewhere(other_stack: Stack) -> SupabaseDatabase:
    """An empty workspace in another installation."""
    return over_http(other_stack, sign_up(other_stack))


@dataclass(frozen=True, slots=True)
class Packed:
    """A furnished workspace that no test changes, its export, and what a move must keep of it."""

    database: SupabaseDatabase
    path: Path
    manifest: ExportManifest
    inventory: dict[str, list[Any]]


@pytest.fixture(scope="module")
def packed(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Packed:
    """Somebody's personal workspace that stands ready to move, for all tests of a file."""
    database, path = over_http(stack, sign_up(stack)), tmp_path_factory.mktemp("packed") / "house.zip"
    furnish(database)
    return Packed(database, path, export_workspace(database, path, "058"), inventory(database))
