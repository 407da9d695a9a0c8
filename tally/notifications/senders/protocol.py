"""A service as all the others use it: its form, a message in its own form, and the meaning of its answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from tally.core.errors import TallyError
from tally.notifications.messages import Message
from tally.notifications.transport import Answer, Request

Target = Mapping[str, str]  # decrypted values of the fields


class TargetRefused(TallyError):
    """A target cannot be used; the text says what is expected."""


@dataclass(frozen=True, slots=True)
class Field:
    """A part of a target that a person gives. `choices` are values with their labels."""

    name: str
    label: str
    help: str = ""
    example: str = ""
    is_secret: bool = False
    is_optional: bool = False
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one attempt. Without a problem the message was delivered.

    No attempt follows a final one, which counts against the channel unless it is none of its faults. `wait`
    seconds pass before anything else goes to the channel.
    """

    status: int | None = None
    problem: str | None = None
    is_final: bool = False
    wait: float = 0
    is_fault: bool = True


class Form(Protocol):
    """A service's part in the form of a channel."""

    TITLE: str
    HELP: str  # how to get a target

    @property
    def FIELDS(self) -> tuple[Field, ...]:
        """The parts of a target."""

    def check(self, target: Target, /) -> dict[str, str]:
        """Return a target as it is stored; raises TargetRefused."""

    def describe(self, target: Target, /) -> str:
        """Return so much of a target that people know which one it is."""


class Sender(Form, Protocol):
    """A service that takes messages over HTTP; each is a module."""

    def compose(self, message: Message, target: Target, /) -> Request:
        """Return the request for a message."""

    def judge(self, answer: Answer, /) -> Outcome:
        """Return the meaning of the answer."""


def take(target: Target, field: Field, pattern: str, expected: str) -> str:
    """A field's value; raises TargetRefused unless it has the form that is expected."""
    value = target.get(field.name, "").strip()
    if not value and field.is_optional:
        return ""
    if len(value) > 2_000 or not re.fullmatch(pattern, value):
        raise TargetRefused(expected)
    return value


def shorten(secret: str) -> str:
    """The last characters of a secret."""
    return f"…{secret[-4:]}"
