"""Bounds on requests to a provider's API: time, size and retries."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Longest waits for a provider, and largest responses to accept."""

    connect_seconds: float = 10
    read_seconds: float = 60  # between two pieces of a response
    response_seconds: float = 180
    response_bytes: int = 32 * 1024 * 1024
    pages: int = 1_000
    listing_bytes: int = 256 * 1024 * 1024  # all pages of one listing
    attempts: int = 5
    first_pause_seconds: float = 1  # doubles before each further attempt
    jitter_seconds: float = 1  # random extra pause, so that connections do not retry in step
    longest_pause_seconds: float = 90  # also the longest Retry-After that is waited for


INTERACTIVE = Limits(
    read_seconds=20, response_seconds=30, attempts=2, longest_pause_seconds=5
)  # a user waits
