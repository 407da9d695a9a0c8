"""Errors of archives and their storage, in words."""

from tally.core.errors import TallyError
from tally.storage.objects import StorageProblem


class ArchiveProblem(StorageProblem):
    """The storage does not have what was archived, or records cannot be archived."""


class ArchiveBusy(TallyError):
    """Another archive or restore of the workspace is running."""

    def __init__(self) -> None:
        super().__init__(
            "Another archive or restore of this workspace is running. Try again when it has ended."
        )
