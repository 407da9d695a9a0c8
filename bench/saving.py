"""Time to save 100,000 records through the API: new, again, and from another file; compared with COPY."""

import random
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
from supabase import create_client

from bench.measurement import REPEATS, Measurement, Options, interleaved
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
    "id, workspace_id, user_id, project_id, project_chosen_by, provider_id, import_id, subscription_id, "
    "source_key, request_id, timestamp, day, model_name, model_key, billing_account, dataset, "
    "billed_under_other_name, cost_usd, tokens_used, input_tokens, output_tokens, cached_input_tokens, "
    "cache_write_tokens, reasoning_tokens, "
    "request_count, collection_method, cost_basis, charge_type, metadata, created_at, updated_at, "
    "money_is_effective, tokens_are_effective"
)
NULL = r"\N"


def make_records(rows: int) -> list[CostRecord]:
    """Make three months of records of a busy account."""
    rng = random.Random(1)
    start = datetime(2026, 8, 1, tzinfo=UTC)
    return [
        CostRecord(
            MODELS[n % 4][0],
            start + timedelta(seconds=77 * n),
            MODELS[n % 4][1],
            Decimal(rng.randint(1, 10**8)) / 10**8,
            uuid.UUID(int=rng.getrandbits(128)),
            input_tokens=rng.randint(100, 9_000),
            output_tokens=rng.randint(10, 900),
            request_count=1,
        )
        for n in range(rows)
    ]


def copy_text(records: list[CostRecord]) -> bytes:
    """The same rows in COPY's text format, with every column."""
    now, some_id = datetime.now(UTC).isoformat(), str(uuid.uuid4())
    return "".join("\t".join(_copy_row(record, some_id, now)) + "\n" for record in records).encode()


def _copy_row(record: CostRecord, some_id: str, now: str) -> list[str]:
    owners = [str(uuid.uuid4()), some_id, some_id, NULL, "f"]
    ids = [*owners, some_id, some_id, NULL, str(record.source_key), NULL]
    model = [record.model_name, record.model_name, NULL, record.dataset, "f"]
    tokens = (record.tokens_used, record.input_tokens, record.output_tokens, 0, 0, 0)
    kinds = [record.collection_method, record.cost_basis, record.charge_type]
    figures = [str(record.cost_usd), *map(str, tokens), "1"]
    return [*ids, record.timestamp.isoformat(), NULL, *model, *figures, *kinds, "{}", now, now, "t", "t"]


class Workload:
    """The same records, saved in each way on one stack."""

    def __init__(self, settings: dict[str, str], rows: int) -> None:
        records = make_records(rows)
        self.parsed = Parsed(records=records, lines=[(n,) for n in range(rows)])
        self.text = copy_text(records)
        client = create_client(settings["SUPABASE_URL"], settings["SUPABASE_PUBLISHABLE_KEY"])
        answer = client.auth.sign_up({"email": "bench@example.com", "password": "correct horse 1"})
        assert answer.user is not None
        self.database = SupabaseDatabase(client, answer.user.id)
        self.connection = psycopg.connect(settings["DATABASE_URL"], autocommit=True)
        self.connection.execute("create table private.heap as select * from public.cost_records limit 0")
        self.import_ids: list[str] = []

    def copy(self) -> None:
        with self.connection.cursor().copy(f"copy private.heap ({COLUMNS}) from stdin") as target:
            target.write(self.text)

    def save(self, data: bytes, expected: tuple[int, int]) -> None:
        """Import the records as if from the file `data`; `expected` counts the added and the known ones."""
        result = save_import(self.database, self.parsed, ImportFile("bench.csv", "generic", data))
        assert (result.added, result.already_there) == expected
        self.import_ids.append(result.import_id)

    def clear(self) -> None:
        while self.import_ids:
            undo_import(self.database, self.import_ids.pop())
        for table in ("public.cost_records", "private.stale_days"):
            self.connection.execute(f"vacuum {table}")
        self.connection.execute("truncate private.heap")


def measure(options: Options) -> list[Measurement]:
    """Save through PostgREST under row-level security."""
    rows = options.scaled(ROWS)
    with temporary_stack(on_disk=True) as stack:
        workload = Workload(stack.settings(), rows)
        actions = {
            "copy": workload.copy,
            "first": lambda: workload.save(b"bench", expected=(rows, 0)),
            "again": lambda: workload.save(b"bench", expected=(0, rows)),
            "other": lambda: workload.save(b"another file with the same rows", expected=(0, rows)),
            "clear": workload.clear,
        }
        taken = interleaved(actions, REPEATS, warm_up=1)
        workload.connection.close()
    copy, first, again, other = (taken[name] for name in ("copy", "first", "again", "other"))
    return [
        Measurement(
            "save 100k records through the API, against COPY to a heap", first, "s", copy, first / copy, 3.2
        ),
        Measurement(
            "save the same 100k again, speed-up over the first time",
            again,
            "s",
            first,
            first / again,
            1.9,
            at_least=True,
        ),
        Measurement(
            "save the same 100k from another file, against the first time",
            other,
            "s",
            first,
            other / first,
            4.0,
        ),
    ]
