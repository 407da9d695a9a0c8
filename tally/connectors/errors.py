"""Failures of a provider's API, each with a text for the user that never contains the key."""

from tally.core.errors import TallyError


class ConnectorError(TallyError):
    """A provider's API did not return the requested data."""


class KeyRefused(ConnectorError):
    """The provider does not accept this key, or not for this purpose."""


class RequestRefused(ConnectorError):
    """The provider refuses this request; other requests may succeed."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


class Unanswered(ConnectorError):
    """No usable answer: `sentence` says why, and `then` what happens next."""

    def __init__(self, sentence: str, then: str = "") -> None:
        super().__init__(f"{sentence} {then}".strip())
        self.sentence = sentence


class Unavailable(Unanswered):
    """No response after several attempts; a later sync may get one."""


class UnreadableResponse(Unanswered):
    """A response that differs from the provider's documentation."""


def unreadable(title: str, problem: str) -> UnreadableResponse:
    """Return the error for a provider's response; `problem` completes "the response …"."""
    then = "No data was changed for the days it covers; sync again later."
    return UnreadableResponse(f"{title}'s response {problem}.", then)
