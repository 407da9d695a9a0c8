"""`tally import --dry-run`: what files say, read by two processes where they are large."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from tally.cli.import_files import ALL_ROWS, AskedFiles, ReadFile
from tally.cli.output import echo
from tally.cli.rejections import Rejections
from tally.cli.tables import format_cost, format_usd, print_table
from tally.core.day_totals import FORMAT
from tally.core.garbage import collector_paused
from tally.core.text import plural
from tally.core.worker_process import Worker
from tally.importers.preview import Preview, preview
from tally.ledger.billing_account import total_charges

TEXT_COLUMNS = ("Day", "Model", "Provider", "Basis")
NUMBER_COLUMNS = ("Requests", "Input", "Cached", "Cache writes", "Output", "Cost")
UNKNOWN = "\N{EN DASH}"  # requests where the file does not count them
# Files of this size take longer than it takes to start a worker. A third process would need as much memory
# as another one, since each reads all cells of a file before it makes records of its share.
MIN_BYTES_TO_SHARE = 5_000_000
PROCESSES = 2


@dataclass(frozen=True, slots=True)
class FilePreview:
    """The preview of a file, with its path, title and notes."""

    path: Path
    preview: Preview
    notes: Sequence[str]

    @property
    def title(self) -> str:
        """The name of the file and of its format."""
        return f"{self.path.name} ({self.preview.title})"


@dataclass(frozen=True, slots=True)
class Share:
    """Files, and which share of their rows a process reads."""

    asked: AskedFiles
    timezone: str
    share: tuple[int, int]


def preview_file(file: ReadFile, timezone: str) -> FilePreview:
    """The preview of a file that was read."""
    return FilePreview(file.path, preview(file.importer, file.parsed, timezone), file.notes)


@collector_paused()  # it would take a quarter of the time
def preview_files(asked: AskedFiles, timezone: str) -> list[FilePreview]:
    """Read files one after another, keeping no records; raises TallyError for the first that is refused."""
    if not _is_worth_sharing(asked.files):
        return preview_share(Share(asked, timezone, ALL_ROWS))
    with _sharing(asked, timezone) as others:
        files = preview_share(Share(asked, timezone, (0, PROCESSES)))
        shares = [other.finish() for other in others]
    return [_join(Share(asked, timezone, ALL_ROWS), *of_file) for of_file in zip(files, *shares, strict=True)]


def preview_share(share: Share) -> list[FilePreview]:
    """The previews of a share of each file's rows."""
    return [_preview_share(share, file) for file in share.asked.files]


def _preview_share(share: Share, file: Path) -> FilePreview:
    return preview_file(share.asked.read_file(file, share.timezone, share=share.share), share.timezone)


def _is_worth_sharing(files: Sequence[Path]) -> bool:
    """False for small files, and for pipes, which can be read once only."""
    is_large = sum(file.stat().st_size for file in files if file.is_file()) >= MIN_BYTES_TO_SHARE
    return is_large and all(file.is_file() for file in files) and (os.cpu_count() or 1) > 1


@contextmanager
def _sharing(asked: AskedFiles, timezone: str) -> Iterator[list[Worker]]:
    """The other processes, which are stopped at the end."""
    shares = [Share(asked, timezone, (number, PROCESSES)) for number in range(1, PROCESSES)]
    workers = [Worker("tally.cli.import_worker", share) for share in shares]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.stop()


def _join(whole: Share, first: FilePreview, *others: FilePreview) -> FilePreview:
    """One preview of all shares; the file is read again where rows of one record are in several."""
    for other in others:
        if not first.preview.add(other.preview):
            return _preview_share(whole, first.path)
    return first


def print_previews(
    files: Sequence[FilePreview], timezone: str, as_json: bool, rejections: Rejections
) -> None:
    """Print the previews, as tables or as one JSON object."""
    rejections += [(file.path, row) for file in files for row in file.preview.rejected]
    described = [file.preview.to_json(file.path.name, file.notes) for file in files]
    if as_json:
        typer.echo(json.dumps({"format": FORMAT, "timezone": timezone, "files": described}, indent=2))
        return
    for file, part in zip(files, described, strict=True):
        echo(f"{file.title}: {_preview_line(file.preview)}")
        print_lines((*file.preview.describe(), *file.notes))
        if part["days"]:
            print_table(TEXT_COLUMNS, NUMBER_COLUMNS, map(_cells, part["days"]))


def _cells(row: Mapping[str, Any]) -> list[str]:
    basis = row["cost_basis"] if row["charge_type"] == "usage" else row["charge_type"]
    cache_writes = row["cache_write_5m_tokens"] + row["cache_write_1h_tokens"]
    requests = f"{row['requests']:,}" if row["requests"] else UNKNOWN
    tokens = (
        row["uncached_input_tokens"],
        row["cached_input_tokens"],
        cache_writes,
        row["output_tokens"],
    )
    cost = format_cost(row["cost_usd"])
    return [
        row["day"],
        row["model"],
        row["provider"],
        basis,
        requests,
        *(f"{count:,}" for count in tokens),
        cost,
    ]


def print_lines(sentences: Iterable[str]) -> None:
    """Print each sentence on a line."""
    for sentence in sentences:
        echo(sentence)


def _preview_line(found: Preview) -> str:
    rows, total_usd = plural(found.rows_read, "row"), total_charges(found.charges)
    return f"read {rows}, {len(found.rejected):,} rejected, total {format_usd(total_usd)}"
