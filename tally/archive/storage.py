"""The place of archives."""

from collections.abc import Mapping

from tally.archive.problems import ArchiveProblem
from tally.core.environment import load_environment
from tally.storage.objects import EXAMPLES, Store, open_store

SETTING = "TALLY_ARCHIVE_URL"


def open_storage(environment: Mapping[str, str] | None = None) -> Store:
    """The storage that the settings name; raises StorageProblem, without one ArchiveProblem."""
    settings = load_environment() if environment is None else environment
    url = settings.get(SETTING.lower(), "")
    if not url:
        raise ArchiveProblem(f"There is no place for archives. Set {SETTING}, such as {EXAMPLES}.")
    return open_store(url, settings)
