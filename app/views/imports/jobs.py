"""Background imports: clicks, reruns and other pages neither repeat nor stop them."""

import csv
import io
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tally.importers import Parsed, Rejected
from tally.importers.named_projects import find_unfiled
from tally.importers.save import ImportFile, ImportResult, save_import
from tally.storage.database import Database, DatabaseError
from tally.storage.export import escape_formula

REJECTED_COLUMNS = ("file", "line", "reason", "row")
UNEXPECTED = "Couldn't save this file because of an unexpected error. Try again; duplicates are skipped."


@dataclass(frozen=True, slots=True)
class FileToSave:
    """A parsed file with the metadata that is stored with its import."""

    filename: str
    format_name: str
    parsed: Parsed
    content: bytes

    @property
    def rows(self) -> int:
        """The rows that will be sent to the database."""
        return self.parsed.rows_read - len(self.parsed.rejected)


class ImportJob:
    """A thread that saves one file after another, with its progress and results."""

    def __init__(self, database: Database, files: Sequence[FileToSave]) -> None:
        self.started_at = datetime.now(UTC)
        self.results: list[tuple[str, ImportResult]] = []
        self.remaining = list(files)
        self.problem = ""
        self.projects: set[str] = set()  # that the files name, and that were known to no rule
        self.rows_total = sum(file.rows for file in files)
        self._rows_before = self._rows_now = 0
        self._api = database
        self._thread = threading.Thread(target=self._run, name="import", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """True while files are saved."""
        return self._thread.is_alive()

    @property
    def rows_done(self) -> int:
        """Rows saved so far, of all files."""
        return min(self._rows_before + self._rows_now, self.rows_total)

    @property
    def filename(self) -> str:
        """The file that is being saved."""
        return self.remaining[0].filename if self.remaining else ""

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the import ends."""
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            while self.remaining:
                self._save(self.remaining[0])
                del self.remaining[0]
        except DatabaseError as error:
            self.problem = str(error)
        except Exception:
            logging.getLogger(__name__).exception("An import failed")
            self.problem = UNEXPECTED

    def _save(self, file: FileToSave) -> None:
        source = ImportFile(file.filename, file.format_name, file.content)
        result = save_import(self._api, file.parsed, source, self._note_progress)
        self._rows_before, self._rows_now = self._rows_before + file.rows, 0
        self.projects |= set(find_unfiled(self._api, file.parsed, result.import_id))
        self.results.append((file.filename, result))

    def _note_progress(self, done: int, _total: int, _label: str) -> None:
        self._rows_now = done


def write_rejected(rejected: Sequence[tuple[str, Rejected]]) -> bytes:
    """Rejected rows as CSV with file, line, reason and row; formulas are made harmless."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(REJECTED_COLUMNS)
    for filename, row in rejected:
        writer.writerow(
            [escape_formula(filename), row.line, escape_formula(row.reason), escape_formula(row.row_text)]
        )
    return buffer.getvalue().encode(errors="replace")
