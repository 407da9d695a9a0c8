"""Mapping of a file's columns to Tally's: guessed, chosen, and remembered for files with the same header."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256

from app import data
from app.auth.identity import User, database_of
from tally.importers import column_matching

REMEMBERED = "import_mappings"
MAX_STORED_MAPPINGS = 40
METADATA_BYTES = 48_000  # the database accepts 64 KB

# Headings of other tables, such as bank statements; too vague to identify a format.
EXTRA_SYNONYMS = {
    "date": ("booked", "booking", "posted", "invoiced", "month", "period"),
    "provider": ("merchant", "payee", "supplier", "seller"),
    "model": ("sku", "description"),
    "requests": ("requests", "quantity"),
}
COLUMN_MEANINGS = {
    "date": ("Date", "Day or time of the charge: 2026-11-02, 2026-11-02 14:30, 2 Nov 2026. Required."),
    "cost": (
        "Cost",
        "1.25, $1,234.50, €5, (5.00) for a credit; US dollars unless another currency is given. Required.",
    ),
    "provider": ("Provider", "The company you pay: OpenAI, Anthropic, Cursor… Unknown names go under Other."),
    "model": ("Model", "The model, plan or product."),
    "tokens": ("Tokens", "All tokens, if input and output are not separate."),
    "input_tokens": ("Input tokens", "Including cached tokens."),
    "output_tokens": ("Output tokens", "Including reasoning tokens."),
    "cached_input_tokens": ("Cached input tokens", "The part of the input read from a cache."),
    "requests": ("Requests", "The number of requests in the row."),
    "currency": (
        "Currency",
        "Such as EUR. Converted to US dollars at the exchange rate of the day.",
    ),
    "charge_type": ("Charge type", "usage, subscription, credit, tax or adjustment; blank means usage."),
    "note": ("Note", "Any text, up to 1,000 characters."),
    "project": ("Project", "Rules file records by it: Settings offers those for new names."),
    "person": ("Person", "An email address or a name: who caused the charge."),
    "customer": ("Customer", "Whom the charge was for."),
    "tags": ("Tags", "Several are separated by commas."),
}


def header_key(header: Sequence[str]) -> str:
    """A hash of the headings, independent of their order."""
    return sha256(json.dumps(sorted(header)).encode(errors="surrogatepass")).hexdigest()[:24]


def guess_columns(header: Sequence[str]) -> dict[str, str]:
    """Our column -> its likely heading: by name, else by a synonym in it."""
    found = {column: header[index] for column, index in column_matching.find_columns(header, None).items()}
    for column, synonyms in column_matching.COLUMNS.items():
        free = [heading for heading in header if heading and heading not in found.values()]
        for heading in free if column not in found else ():
            words = column_matching.normalise_heading(heading).split("_")
            if not set(words).isdisjoint((*synonyms, *EXTRA_SYNONYMS.get(column, ()))):
                found[column] = heading
                break
    return found


def remembered_mappings(metadata: Mapping[str, object]) -> dict[str, dict[str, str]]:
    """Mappings chosen for earlier files: key of the header -> heading -> our column."""
    stored = metadata.get(REMEMBERED)
    return dict(stored) if isinstance(stored, dict) else {}


def remember_mapping(user: User, header: Sequence[str], mapping: Mapping[str, str]) -> None:
    """Store a mapping for files with this header, and drop the oldest ones beyond the limits."""
    metadata = data.load_preference_metadata(user)
    stored = remembered_mappings(metadata)
    stored.pop(header_key(header), None)
    stored[header_key(header)] = dict(mapping)
    # jsonb does not preserve the order of keys, so a list stores it.
    order = [key for key in _order(metadata) if key in stored and key != header_key(header)]
    order = [*order, header_key(header)][-MAX_STORED_MAPPINGS:]
    while order and len(json.dumps({key: stored[key] for key in order})) > METADATA_BYTES:
        order.pop(0)
    metadata[REMEMBERED] = {key: stored[key] for key in order}
    metadata[f"{REMEMBERED}_order"] = order
    database = database_of(user)
    database.update("user_preferences", user.user_id, {"metadata": metadata}, key="user_id")
    data.forget_version(user)


def _order(metadata: Mapping[str, object]) -> list[str]:
    order = metadata.get(f"{REMEMBERED}_order")
    return [str(key) for key in order] if isinstance(order, list) else []
