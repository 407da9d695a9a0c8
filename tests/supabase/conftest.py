"""A folder for tests that start and stop their own stack."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.embedded import migrated_home


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A TALLY_HOME shared by the tests of one file."""
    with migrated_home() as folder:
        yield folder
