"""The first call of a model that comes with a key: what someone who sets up a client waits for."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tally.storage.database import Database, Query

MAX_SOURCES = 100  # services that a key names


@dataclass(frozen=True, slots=True)
class SeenCall:
    """A call as it was recorded; unpriced is None."""

    timestamp: datetime
    model: str
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None


def find_first_call(database: Database, key_id: str) -> SeenCall | None:
    """The first call that came with a key; None before it."""
    sources = database.select(Query("imports", "id", ["id"], {"api_key_id": key_id}, limit=MAX_SOURCES))
    if not sources:
        return None
    columns = "timestamp,id,model_name,input_tokens,output_tokens,cost_usd::text"
    where = {"import_id": [source["id"] for source in sources]}
    rows = database.select(Query("cost_records", columns, ["timestamp", "id"], where, limit=1))
    if not rows:
        return None
    [row] = rows
    cost = row["cost_usd"]
    return SeenCall(
        datetime.fromisoformat(row["timestamp"]),
        row["model_name"],
        row["input_tokens"],
        row["output_tokens"],
        None if cost is None else Decimal(cost),
    )


def describe_call(call: SeenCall) -> str:
    """A call as a sentence."""
    cost = "no known price" if call.cost_usd is None else f"${call.cost_usd.normalize():f}"
    return f"{call.model}: {call.input_tokens:,} tokens in, {call.output_tokens:,} out, {cost}."
