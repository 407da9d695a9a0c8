"""Which column of a file means what: guessed, chosen by the person, and remembered for the next such file."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256

from app import data
from app.auth.identity import User, database_of
from tally.importers import generic

REMEMBERED = "import_mappings"
MAX_STORED_MAPPINGS = 40
METADATA_BYTES = 48_000  # the database takes 64 KB

# Words of other tables, such as bank statements; too vague to recognise a format by.
OTHER_WORDS = {
    "date": ("booked", "booking", "posted", "invoiced", "month", "period"),
    "provider": ("merchant", "payee", "supplier", "seller"),
    "model": ("sku", "description"),
    "requests": ("requests", "quantity"),
}
COLUMN_MEANINGS = {
    "date": ("Date", "Day or time of the charge: 2026-11-02, 2026-11-02 14:30, 2 Nov 2026. Required."),
    "cost": (
        "Cost",
        "1.25, $1,234.50, €5, (5.00) for a credit; US dollars where nothing else is said. Required.",
    ),
    "provider": ("Provider", "Who is paid: OpenAI, Anthropic, Cursor … Unknown names are kept under Other."),
    "model": ("Model", "The model, plan or product."),
    "tokens": ("Tokens", "All tokens, where input and output are not told apart."),
    "input_tokens": ("Input tokens", "Cached ones included."),
    "output_tokens": ("Output tokens", "Reasoning included."),
    "cached_input_tokens": ("Cached input tokens", "The part of the input that came from a cache."),
    "requests": ("Requests", "How many calls the row stands for."),
    "currency": (
        "Currency",
        "Such as EUR. Other currencies are converted to dollars at the rate of their day.",
    ),
    "charge_type": ("Charge type", "usage, subscription, credit, tax or adjustment; usage where empty."),
    "note": ("Note", "Anything, up to 1,000 characters."),
}


def header_key(header: Sequence[str]) -> str:
    """The same for the same set of headings, in whatever order."""
    return sha256(json.dumps(sorted(header)).encode(errors="surrogatepass")).hexdigest()[:24]


def guess_columns(header: Sequence[str]) -> dict[str, str]:
    """Our column -> the heading that probably means it: by name, else by a word in it."""
    found = {column: header[index] for column, index in generic.find_columns(header, None).items()}
    for column, synonyms in generic.COLUMNS.items():
        free = [heading for heading in header if heading and heading not in found.values()]
        for heading in free if column not in found else ():
            words = generic.normalise_heading(heading).split("_")
            if not set(words).isdisjoint((*synonyms, *OTHER_WORDS.get(column, ()))):
                found[column] = heading
                break
    return found


def remembered_mappings(metadata: Mapping[str, object]) -> dict[str, dict[str, str]]:
    """What a person chose for earlier files: key of the header -> heading -> our column."""
    kept = metadata.get(REMEMBERED)
    return dict(kept) if isinstance(kept, dict) else {}


def remember_mapping(user: User, header: Sequence[str], mapping: Mapping[str, str]) -> None:
    """Keep a choice for the next file with this header; the oldest choices go when there are many."""
    metadata = data.load_preference_metadata(user)
    kept = remembered_mappings(metadata)
    kept.pop(header_key(header), None)
    kept[header_key(header)] = dict(mapping)
    # jsonb does not keep the order of its keys, so the order is a list of its own.
    order = [key for key in _order(metadata) if key in kept and key != header_key(header)]
    order = [*order, header_key(header)][-MAX_STORED_MAPPINGS:]
    while order and len(json.dumps({key: kept[key] for key in order})) > METADATA_BYTES:
        order.pop(0)
    metadata[REMEMBERED] = {key: kept[key] for key in order}
    metadata[f"{REMEMBERED}_order"] = order
    database = database_of(user)
    database.update("user_preferences", user.user_id, {"metadata": metadata}, key="user_id")
    data.forget_version(user)


def _order(metadata: Mapping[str, object]) -> list[str]:
    order = metadata.get(f"{REMEMBERED}_order")
    return [str(key) for key in order] if isinstance(order, list) else []
