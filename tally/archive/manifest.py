"""The manifest of an archive: with it, and not before, the files are an archive."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tally.archive.problems import ArchiveProblem

FORMAT = 1
MANIFEST = "manifest.json"


class DaySums(BaseModel):
    """Sums of the rows of a UTC day, as they are stored, counted or not."""

    model_config = ConfigDict(frozen=True)

    rows: int = Field(ge=0)
    cost_usd: Decimal
    tokens: int = Field(ge=0)
    requests: int = Field(ge=0)


class ArchivedTable(BaseModel):
    """A table's file."""

    model_config = ConfigDict(frozen=True)

    file: str = Field(pattern=r"^[a-z_]+\.parquet$")
    rows: int = Field(ge=0)
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    columns: dict[str, str]  # with their types in Postgres
    days: dict[date, DaySums]


class Manifest(BaseModel):
    """Description of an archive, stored beside its files as JSON."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    tally: str  # version
    schema_version: str  # the last migration
    archive: UUID
    workspace: UUID
    timezone: str  # in which the workspace's days began
    first_day: date
    end_day: date  # the first that is not in it
    made_at: str
    tables: dict[str, ArchivedTable]

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(table.bytes for table in self.tables.values())


def parse_manifest(content: bytes) -> Manifest:
    """A manifest from its file; raises ArchiveProblem for anything else."""
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError:
        raise ArchiveProblem("The manifest is damaged.") from None
    if manifest.format != FORMAT:
        raise ArchiveProblem("The archive is of a newer Tally. Update Tally, then try again.")
    return manifest
