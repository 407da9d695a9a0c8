"""Errors of archives and their storage, in words."""

import errno

from tally.core.errors import TallyError


class ArchiveProblem(TallyError):
    """The storage cannot be used, or what it has is not what was archived."""


class ArchiveBusy(TallyError):
    """Another archive or restore of the workspace is running."""

    def __init__(self) -> None:
        super().__init__(
            "Another archive or restore of this workspace is running. Try again when it has ended."
        )


# What the storage's errors contain, and what they mean; the first that fits counts.
_MEANINGS = (
    (("ACCESS_DENIED", "INVALID_ACCESS_KEY", "SIGNATURE_DOES_NOT_MATCH", "INVALID_SIGNATURE", "FORBIDDEN",
      "InvalidAccessKeyId", "UNRECOGNIZED_CLIENT", "HTTP status 403", "Permission denied"),
     "refuses Tally's keys. Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they may write"),
    (("NO_SUCH_BUCKET", "InvalidBucketName", "bucket does not exist", "Bucket does not exist"),
     "has no such bucket. Create it, or correct TALLY_ARCHIVE_URL"),
    (("No space left", "InsufficientStorage", "SLOW_DOWN", "QuotaExceeded", "HTTP status 507"),
     "is full. Make room, then run it again"),
    (("NETWORK_CONNECTION", "curlCode", "Connection refused", "timeout", "Couldn't connect", "TIMEOUT"),
     "does not answer. Check TALLY_ARCHIVE_URL and that it runs"),
)  # fmt: skip


def describe_storage(error: BaseException) -> str:
    """A sentence about an error of the storage."""
    text = str(error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        text = "No space left"
    for signs, meaning in _MEANINGS:
        if any(sign in text for sign in signs):
            return f"The storage of the archive {meaning}. Nothing was lost."
    return f"The storage of the archive failed: {' '.join(text.split())[:200]}. Nothing was lost."
