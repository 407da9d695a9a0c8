"""Golden pairs: exports and their expected records, rejections and counts."""

import io
import json
import zipfile
from pathlib import Path

from tally.core.records import to_columns
from tally.importers import Parsed

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "imports"


def describe(importer_name: str, parsed: Parsed) -> dict[str, object]:
    """A parsed file in the form of `expected.json`."""
    records = [
        {name: column[0] for name, column in to_columns([record]).items()}
        | {
            "cost_basis": record.cost_basis,
            "charge_type": record.charge_type,
            "collection_method": record.collection_method,
        }
        for record in parsed.records
    ]
    for record in records:
        metadata = record.get("metadata")
        if isinstance(metadata, dict):
            metadata.pop("price_version", None)
    return {
        "format": importer_name,
        "rows_read": parsed.rows_read,
        "rows_blank": parsed.rows_blank,
        "rows_merged": parsed.rows_merged,
        "grouping": list(parsed.grouping),
        "records": records,
        "rejected": [[rejected.line, rejected.reason] for rejected in parsed.rejected],
    }


def load_sample(case: str) -> tuple[str, bytes]:
    """Name and content of the file of one golden pair; a folder named sample.zip is packed first."""
    sample = next((FIXTURES / case).glob("sample.*"))
    if sample.is_file():
        return sample.name, sample.read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(sample.iterdir()):
            archive.write(file, file.name)
    return sample.name, buffer.getvalue()


def load_expected(case: str) -> dict[str, object]:
    """The expected result of one golden pair."""
    loaded: dict[str, object] = json.loads((FIXTURES / case / "expected.json").read_text(encoding="utf-8"))
    return loaded
