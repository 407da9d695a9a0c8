"""The whole sample of an account, loaded and removed in one step."""

from datetime import date

from tally.core.progress import Progress, ignore_progress
from tally.importers.save import ImportResult
from tally.spend import sample_data
from tally.storage.database import Database

FORMAT = sample_data.FORMAT


def load(database: Database, today: date, on_progress: Progress = ignore_progress) -> ImportResult:
    """Add the sample to the workspace; safe to repeat."""
    from tally.samples.work import load_work  # statistics take a moment to import

    result = sample_data.load(database, today, on_progress)
    load_work(database, today)
    return result


def remove(database: Database) -> int:
    """Remove the samples that the account added to the workspace; returns the number of its imports."""
    from tally.samples.work import remove_work

    imports = sample_data.remove(database)
    remove_work(database)
    return imports
