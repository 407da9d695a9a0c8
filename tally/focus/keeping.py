"""A file of FOCUS for each month in a folder or bucket, written again when the month's figures change.

Files of a workspace are in `focus-<version>/<workspace id>/`: `2026-11.csv` and so on, and `manifest.json`,
which names them with their checksums. A file is there whole or not at all; the manifest is written after it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import file_digest
from importlib.metadata import version as installed_version
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tally.core.months import last_day_of_month
from tally.focus.export import load_names
from tally.focus.files import FileFormat, Written, write_rows
from tally.focus.rows import Names, make_rows
from tally.focus.sums import list_months, load_sums
from tally.focus.versions import Version
from tally.pricing.custom_prices import CustomPrices
from tally.pricing.list_prices import PRICE_VERSION
from tally.pricing.workspace_prices import load_workspace_prices
from tally.storage.database import Database
from tally.storage.objects import StorageProblem, Store

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class MonthFile:
    """A month's file, as the manifest has it."""

    file: str
    sha256: str
    bytes: int
    rows: int
    billed_usd: str
    written_at: str


@dataclass(frozen=True, slots=True)
class Kept:
    """Files after a run, by what happened to them."""

    months: int
    written: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    archived: tuple[str, ...] = ()  # left as they are


@dataclass(frozen=True, slots=True)
class Target:
    """The place of files, and their format."""

    store: Store
    version: Version
    file_format: FileFormat = "csv"

    def folder(self, workspace_id: str) -> str:
        """The workspace's folder."""
        return f"focus-{self.version.name}/{workspace_id}"


def keep_months(database: Database, target: Target, period: tuple[date, date]) -> Kept:
    """Write the files of whole months whose figures changed; raises TallyError.

    No costs are read where no data of the workspace changed since the last run over the same months, and none
    of months before its first costs and files.
    """
    folder = target.folder(database.scope.workspace_id)
    months = _read_manifest(target.store, folder)
    state = _describe_state(database, target, period)
    if months.state == state and _are_there(target.store, folder, months.files):
        return Kept(len(months.files))
    archived = {str(month)[:7] for month in database.call("focus_state")["archived"]}
    names, custom = load_names(database), load_workspace_prices(database).custom
    target.store.make_folder(folder)
    keeper = _Keeper(database, target, folder, names, custom)
    written: list[str] = []
    deleted: list[str] = []
    begin = max(period[0], _find_begin(database, months.files))
    for first, end in list_months(begin.replace(day=1), last_day_of_month(period[1])):
        month = f"{first:%Y-%m}"
        if month in archived:
            continue
        before, now = months.files.get(month), keeper.write(first, end, months.files.get(month))
        if now is before:
            continue
        (deleted if now is None else written).append(month)
        months = replace(months, files=_put(months.files, month, now), state=None)
        _write_manifest(target, folder, months)  # after each month: a run that ends early leaves it true
        if before is not None and (now is None or now.file != before.file):
            target.store.delete_file(f"{folder}/{before.file}")
    _write_manifest(target, folder, replace(months, state=state))
    left = tuple(sorted(archived & months.files.keys()))
    return Kept(len(months.files), tuple(written), tuple(deleted), left)


def _find_begin(database: Database, files: Mapping[str, MonthFile]) -> date:
    """A day in the first UTC month that has costs, or a file."""
    first = database.call("first_cost_day")
    day = date.fromisoformat(first) if isinstance(first, str) else first or date.max
    months = [date.fromisoformat(f"{month}-01") for month in files]
    return min([day - timedelta(days=1), *months])


@dataclass(frozen=True, slots=True)
class _Manifest:
    files: dict[str, MonthFile]
    state: dict[str, str] | None = None  # of the data when all months were written; None: not all are


@dataclass(frozen=True, slots=True)
class _Keeper:
    """Writes months of one workspace."""

    database: Database
    target: Target
    folder: str
    names: Names
    custom: CustomPrices

    def write(self, first: date, end: date, before: MonthFile | None) -> MonthFile | None:
        """The month's file, uploaded unless it is the one that is there; None for a month without costs."""
        with TemporaryDirectory() as scratch:
            path = Path(scratch) / f"{first:%Y-%m}.{self.target.file_format}"
            written = self._write_local(path, first, end)
            if not written.rows:
                return None
            found = MonthFile(
                path.name,
                _hash(path),
                path.stat().st_size,
                written.rows,
                f"{written.billed_usd:f}",
                datetime.now(UTC).isoformat(timespec="seconds"),
            )
            if before and replace(found, written_at=before.written_at) == before and self._is_there(before):
                return before
            self.target.store.upload(f"{self.folder}/{path.name}", path)
            return found

    def _write_local(self, path: Path, first: date, end: date) -> Written:
        sums = load_sums(self.database, first, end - timedelta(days=1))
        rows = chain.from_iterable(make_rows(found, self.names, self.custom) for found in sums)
        with path.open("wb") as file:
            return write_rows(rows, file, self.target.file_format, self.target.version)

    def _is_there(self, month: MonthFile) -> bool:
        return self.target.store.list_files(self.folder).get(f"{self.folder}/{month.file}") == month.bytes


def _describe_state(database: Database, target: Target, period: tuple[date, date]) -> dict[str, str]:
    """All that files depend on: equal for equal files."""
    return {
        "data": str(database.call("data_version")),
        "prices": str(PRICE_VERSION),
        "tally": installed_version("tally"),
        "format": target.file_format,
        "from": f"{period[0]:%Y-%m}",
        "to": f"{period[1]:%Y-%m}",
    }


def _read_manifest(store: Store, folder: str) -> _Manifest:
    content = store.read(f"{folder}/{MANIFEST}")
    if content is None:
        return _Manifest({})
    try:
        told: dict[str, Any] = json.loads(content)
        return _Manifest({month: MonthFile(**file) for month, file in told["months"].items()}, told["state"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StorageProblem(
            f"{folder}/{MANIFEST} is not a manifest of Tally. Delete it, and all files are written again."
        ) from None


def _write_manifest(target: Target, folder: str, manifest: _Manifest) -> None:
    told = {
        "format": "FOCUS",
        "version": target.version.name,
        "days": "UTC",
        "currency": "USD",
        "months": {month: asdict(file) for month, file in sorted(manifest.files.items())},
        "state": manifest.state,
    }
    target.store.write(f"{folder}/{MANIFEST}", json.dumps(told, indent=2).encode())


def _are_there(store: Store, folder: str, files: dict[str, MonthFile]) -> bool:
    there = store.list_files(folder)
    return all(there.get(f"{folder}/{file.file}") == file.bytes for file in files.values())


def _put(files: dict[str, MonthFile], month: str, file: MonthFile | None) -> dict[str, MonthFile]:
    others = {name: one for name, one in files.items() if name != month}
    return others if file is None else others | {month: file}


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
