"""A folder for the tests that start and stop a stack of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.embedded import migrated_home


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A TALLY_HOME for the starts and stops of one file."""
    with migrated_home() as folder:
        yield folder
