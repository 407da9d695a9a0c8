"""Two installations, and a furnished workspace in the first."""

from collections.abc import Iterator

import pytest

from tally.local.running import running_stack
from tally.local.stack import Stack
from tally.storage.postgrest import SupabaseDatabase
from tests.embedded import free_port_block, migrated_home
from tests.tally.moving.houses import furnish
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
