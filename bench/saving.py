"""How fast 100,000 records are saved through the API, again, and by another file, beside COPY into a heap."""

import random
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
from supabase import create_client

from bench.measurement import REPEATS, Measurement, interleaved
from tally.core.records import CostRecord
from tally.importers import Parsed
from tally.importers.save import ImportFile, save_import, undo_import
from tally.storage.postgrest import SupabaseDatabase
from tests.embedded import temporary_stack

ROWS = 100_000
MODELS = (
    ("openai", "gpt-5.2"),
    ("anthropic", "claude-opus-4-5"),
    ("openai", "gpt-5.2-mini"),
    ("google", "gemini-3-pro"),
)
COLUMNS = (
    "id, user_id, provider_id, timestamp, model_name, cost_usd, tokens_used, input_tokens, output_tokens, "
    "cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, collection_method, "
    "cost_basis, charge_type, source_key, import_id, metadata, created_at, updated_at"
)


def make_records(rows: int) -> list[CostRecord]:
    """Three months of a busy person."""
    dice = random.Random(1)
    start = datetime(2026, 8, 1, tzinfo=UTC)
    return [
        CostRecord(
            MODELS[n % 4][0],
            start + timedelta(seconds=77 * n),
            MODELS[n % 4][1],
            Decimal(dice.randint(1, 10**8)) / 10**8,
            uuid.UUID(int=dice.getrandbits(128)),
            input_tokens=dice.randint(100, 9_000),
            output_tokens=dice.randint(10, 900),
            request_count=1,
        )
        for n in range(rows)
    ]


def copy_text(records: list[CostRecord]) -> bytes:
    """The same rows as COPY reads them, every column given."""
    now, someone = datetime.now(UTC).isoformat(), str(uuid.uuid4())
    lines = []
    for r in records:
        values = (
            uuid.uuid4(),
            someone,
            someone,
            r.timestamp.isoformat(),
            r.model_name,
            r.cost_usd,
            r.tokens_used,
            r.input_tokens,
            r.output_tokens,
            0,
            0,
            0,
            1,
            r.collection_method,
            r.cost_basis,
            r.charge_type,
            r.source_key,
            someone,
            "{}",
            now,
            now,
        )
        lines.append("\t".join(map(str, values)))
    return ("\n".join(lines) + "\n").encode()


def measure() -> list[Measurement]:
    """First import, second import of the same, both through PostgREST under row-level security."""
    records = make_records(ROWS)
    parsed = Parsed(records=records, lines=[(n,) for n in range(ROWS)])
    text = copy_text(records)
    with temporary_stack(on_disk=True) as stack:
        settings = stack.settings()
        client = create_client(settings["SUPABASE_URL"], settings["SUPABASE_PUBLISHABLE_KEY"])
        client.auth.sign_up({"email": "bench@example.com", "password": "correct horse 1"})
        database = SupabaseDatabase(client)
        connection = psycopg.connect(settings["DATABASE_URL"], autocommit=True)
        connection.execute("create table private.heap as select * from public.cost_records limit 0")
        imports: list[str] = []

        def copy() -> None:
            with connection.cursor().copy(f"copy private.heap ({COLUMNS}) from stdin") as target:
                target.write(text)

        def first() -> None:
            result = save_import(database, parsed, ImportFile("bench.csv", "generic", b"bench"))
            assert result.added == ROWS
            imports.append(result.import_id)

        def bring(data: bytes) -> None:
            result = save_import(database, parsed, ImportFile("bench.csv", "generic", data))
            assert (result.added, result.already_there) == (0, ROWS)
            imports.append(result.import_id)

        def clear() -> None:
            while imports:
                undo_import(database, imports.pop())
            for table in ("public.cost_records", "private.stale_days"):
                connection.execute(f"vacuum {table}")
            connection.execute("truncate private.heap")

        actions = {
            "copy": copy,
            "first": first,
            "again": lambda: bring(b"bench"),
            "other": lambda: bring(b"another file with the same rows"),
            "clear": clear,
        }
        interleaved(actions, 1)  # warm
        taken = interleaved(actions, REPEATS)
        connection.close()
    return [
        Measurement(
            "save 100k records through the API, against COPY to a heap",
            taken["first"],
            "s",
            taken["copy"],
            taken["first"] / taken["copy"],
            4.5,
        ),
        Measurement(
            "save the same 100k again, speed-up over the first time",
            taken["again"],
            "s",
            taken["first"],
            taken["first"] / taken["again"],
            1.9,
            at_least=True,
        ),
        Measurement(
            "keep what another file says of the same 100k, against the first time",
            taken["other"],
            "s",
            taken["first"],
            taken["other"] / taken["first"],
            4.0,
        ),
    ]
