"""Rows of a table as a Parquet file, and back: amounts to the last digit."""

import hashlib
import io
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv
from pyarrow import parquet as pq

from tally.archive.columns import Columns
from tally.archive.manifest import DaySums
from tally.archive.problems import ArchiveProblem
from tally.archive.storage import Storage, storage_errors

BLOCK_BYTES = 16 * 2**20
ROWS_AT_ONCE = 100_000
COMPRESSION = "zstd"
# Wide, so that no sum overflows.
SUMMED = {
    "cost_usd": pa.decimal128(38, 10),
    "tokens_used": pa.decimal128(38, 0),
    "request_count": pa.decimal128(38, 0),
}
OnRows = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Rows, size and checksum of a written file."""

    rows: int
    bytes: int
    sha256: str


class _CopyStream(io.RawIOBase):
    """The bytes of a COPY, as a file."""

    def __init__(self, copy: psycopg.Copy) -> None:
        self._copy, self._rest = copy, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = memoryview(self._copy.read())
        count = min(len(self._rest), len(buffer))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


class _HashingSink:
    """A stream that is written to, with the hash and size of what was."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._hash, self.size, self.closed = stream, hashlib.sha256(), 0, False

    def write(self, content: Any) -> int:
        self._hash.update(content)
        self.size += len(content)
        self._stream.write(content)
        return len(content)

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        self.closed = True

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def write_rows(
    storage: Storage, path: str, columns: Columns, copy: psycopg.Copy, on_rows: OnRows
) -> FileFacts:
    """Write the rows of a COPY in CSV to a file."""
    rows = 0
    with _write_stream(storage, path) as sink:
        with pq.ParquetWriter(
            pa.PythonFile(sink, mode="w"), columns.schema, compression=COMPRESSION
        ) as writer:
            for table in _read_tables(columns, copy):
                writer.write_table(table)
                rows += table.num_rows
                on_rows(rows)
        size, sha256 = sink.size, sink.sha256
    return FileFacts(rows, size, sha256)


@contextmanager
def _write_stream(storage: Storage, path: str) -> Iterator[_HashingSink]:
    with storage_errors(), storage.files.open_output_stream(path) as stream:
        yield _HashingSink(stream)


def _read_tables(columns: Columns, copy: psycopg.Copy) -> Iterator[pa.Table]:
    """Tables of about ROWS_AT_ONCE rows."""
    source = io.BufferedReader(_CopyStream(copy), BLOCK_BYTES)
    if not source.peek(1):
        return
    waiting: list[pa.RecordBatch] = []
    reader = csv.open_csv(
        source,
        csv.ReadOptions(column_names=columns.schema.names, block_size=BLOCK_BYTES, use_threads=False),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(
            column_types=columns.schema,
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    for batch in reader:
        waiting.append(batch)
        if sum(map(len, waiting)) >= ROWS_AT_ONCE:
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting)


def hash_file(storage: Storage, path: str) -> tuple[int, str]:
    """Size and SHA-256 of a stored file; raises ArchiveProblem if it is missing."""
    digest, size = hashlib.sha256(), 0
    try:
        with storage_errors(), storage.files.open_input_stream(path) as stream:
            while content := stream.read(BLOCK_BYTES):
                digest.update(content)
                size += len(content)
    except ArchiveProblem as problem:
        if isinstance(problem.__cause__, FileNotFoundError):
            raise ArchiveProblem(f"{path} is missing. Bring it back from a copy of the storage.") from None
        raise
    return size, digest.hexdigest()


def read_batches(storage: Storage, path: str) -> Iterator[pa.RecordBatch]:
    """The rows of a stored file."""
    with storage_errors(), storage.files.open_input_file(path) as source, pq.ParquetFile(source) as file:
        yield from file.iter_batches(ROWS_AT_ONCE)


def sum_days(storage: Storage, path: str) -> dict[date, DaySums]:
    """Sums of a stored file's rows by UTC day."""
    sums: dict[date, list[Any]] = defaultdict(lambda: [0, Decimal(0), Decimal(0), Decimal(0)])
    for batch in read_batches(storage, path):
        table = pa.Table.from_arrays(
            [
                batch.column("timestamp").cast(pa.date32()),
                *(pc.fill_null(batch.column(name).cast(kind), Decimal(0)) for name, kind in SUMMED.items()),
            ],
            names=["day", *SUMMED],
        )
        grouped = table.group_by("day").aggregate([("day", "count"), *((name, "sum") for name in SUMMED)])
        for row in grouped.to_pylist():
            found = sums[row["day"]]
            found[0] += row["day_count"]
            for nth, name in enumerate(SUMMED, 1):
                found[nth] += row[f"{name}_sum"]
    return {
        day: DaySums(rows=rows, cost_usd=cost, tokens=int(tokens), requests=int(requests))
        for day, (rows, cost, tokens, requests) in sorted(sums.items())
    }


def to_csv(batch: pa.RecordBatch) -> bytes:
    """Rows in CSV, as COPY reads them: null is nothing, an empty text is quoted."""
    target = io.BytesIO()
    csv.write_csv(batch, target, csv.WriteOptions(include_header=False))
    return target.getvalue()
