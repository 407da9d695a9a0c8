"""One stack for the tests of this folder that do not kill theirs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tally.local.running import running_stack
from tally.local.stack import Stack
from tests.embedded import free_port_block, temporary_home


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A migrated stack in a folder of its own."""
    with temporary_home() as home, running_stack(home, free_port_block()) as running:
        yield running


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A TALLY_HOME for the starts and stops of one file."""
    with temporary_home() as folder:
        yield folder
