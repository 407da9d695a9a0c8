"""The manifest of a backup: origin, checksums of its parts, and totals to find after a restore."""

from pydantic import BaseModel, ConfigDict, Field

FORMAT = 1
DATABASE = "database.dump"
KEYS = "keys"


class Part(BaseModel):
    """Size and checksum of a part."""

    model_config = ConfigDict(frozen=True)

    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """Description of a backup, stored in it as JSON."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    tally: str  # version
    postgres: str  # version
    created_at: str
    migrations: dict[str, str | None]  # checksum by version
    totals: dict[str, str]
    parts: dict[str, Part]

    @property
    def has_keys(self) -> bool:
        """True if the backup holds the keys, encrypted."""
        return KEYS in self.parts
