"""Files of `tally import`, read before anything is saved or shown."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tally.cli.input_file import read_file
from tally.core.errors import TallyError
from tally.core.records import CostBasis
from tally.core.text import plural
from tally.currency.rates import Rates
from tally.importers import (
    AmbiguousDates,
    AmbiguousNumbers,
    Importer,
    Options,
    Parsed,
    find_importer,
    generic,
    identify_all,
    parse_tables,
    read_tables,
)
from tally.importers.readers.containers import MAX_BYTES
from tally.importers.save import ImportResult
from tally.storage.database import DatabaseError

UNKNOWN_BASIS = (
    "Its amounts are taken for estimates. If you pay them, add --cost-basis billed; "
    "if a plan covers them, --cost-basis included."
)
SAVED_AS_ESTIMATES = (
    "Its amounts were saved as estimates. If you pay them, or a plan covers them, undo the import on the "
    "Import page, then import the file again with --cost-basis billed or --cost-basis included."
)
KEPT_BASIS = (
    "kept the cost basis that was saved before. To change it, undo that import on the Import page, "
    "then import the file again."
)
ALL_ROWS = (0, 1)


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file that was read, and what it holds."""

    path: Path
    importer: Importer
    parsed: Parsed
    content: bytes
    cost_basis: CostBasis | None

    @property
    def title(self) -> str:
        return f"{self.path.name} ({self.importer.title})"

    @property
    def notes(self) -> list[str]:
        """A sentence for a table whose amounts are taken for estimates."""
        return [UNKNOWN_BASIS] if self.importer is generic and self.cost_basis is None else []

    def saved_notes(self, result: ImportResult) -> list[str]:
        """The same once it is saved: what helps then, and which rows were there already."""
        if self.notes:
            return [SAVED_AS_ESTIMATES] if result.new_records else []
        kept = result.already_there - result.restated
        if self.cost_basis is None or not kept:
            return []
        return [f"{plural(kept, 'duplicate')} {KEPT_BASIS}"]


@dataclass(frozen=True, slots=True)
class AskedFiles:
    """Files to read, and the answers to the questions that they may raise."""

    files: Sequence[Path]
    day_first: bool | None
    decimal_comma: bool | None
    cost_basis: CostBasis | None

    def read(self, timezone: str, rates: Rates | None = None) -> list[ReadFile]:
        """Read all files; raises TallyError for the first that is refused."""
        return [self.read_file(file, timezone, rates) for file in self.files]

    def read_file(
        self, file: Path, timezone: str, rates: Rates | None = None, share: tuple[int, int] = ALL_ROWS
    ) -> ReadFile:
        """Read one file, or a share of its rows."""
        options = Options(
            timezone, self.day_first, self.decimal_comma, cost_basis=self.cost_basis, rates=rates
        )
        return _read(file, options, share)


def _read(file: Path, options: Options, share: tuple[int, int]) -> ReadFile:
    try:
        data = read_file(file, MAX_BYTES + 1)  # enough for `read_tables` to refuse a larger file
    except IsADirectoryError:
        raise DatabaseError(f"{file} is a folder. Name the files in it, such as {file}/*.csv.") from None
    except OSError as error:
        raise DatabaseError(f"{file} cannot be read: {error.strerror}.") from None
    tables = [replace(table, share=share) for table in read_tables(data, file.name)]
    importer = identify_all(tables) or find_importer("generic")
    if importer is not generic and options.cost_basis:
        raise TallyError(f"{file.name} is a file of {importer.title}, which needs no --cost-basis.")
    try:
        return ReadFile(file, importer, parse_tables(importer, tables, options), data, options.cost_basis)
    except AmbiguousDates as question:
        raise DatabaseError(f"{file.name}: {question} Add --day-first or --month-first.") from None
    except AmbiguousNumbers as question:
        raise DatabaseError(f"{file.name}: {question} Add --decimal-comma or --decimal-point.") from None
