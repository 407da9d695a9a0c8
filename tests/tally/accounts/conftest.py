"""An account on the stack."""

import pytest

from tally.local.stack import Stack
from tests.tally.people import Person, sign_up


@pytest.fixture
def person(stack: Stack) -> Person:
    """A new account."""
    return sign_up(stack)
