"""`python -m docs.catalogue WHEEL [DAY]`: writes the catalogue of models that comes with Tally.

WHEEL is one of LiteLLM, whose list is read out of it without importing the package; the other list is
that of the installed genai-prices. DAY is the day of the lists, by default today. `make catalogue` fetches
the wheel, too.
"""

import gzip
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from genai_prices import types
from genai_prices.data_snapshot import get_snapshot

from docs import genai_list, litellm_list
from docs.litellm_list import Entry, Key
from tally.catalog.entries import FILE
from tally.catalog.open_weights import has_open_weights

GENAI, LITELLM = "genai-prices", "litellm"
LICENCES = {
    GENAI: "MIT, Copyright (c) Pydantic Services Inc. 2025 to present",
    LITELLM: "MIT, Copyright (c) 2023 Berri AI",
}


def build(
    models: Mapping[str, Entry], providers: Sequence[types.Provider], day: date
) -> list[dict[str, Any]]:
    """The entries of both lists, sorted: what only one tells is taken from it, prices are kept apart."""
    ours, theirs = genai_list.take(providers, day), litellm_list.take(models)
    return [_merge(key, ours.get(key, {}), theirs.get(key, {})) for key in sorted({*ours, *theirs})]


def _merge(key: Key, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    provider, model = key
    prices = {GENAI: ours.get("prices"), LITELLM: theirs.get("prices")}
    facts: dict[str, Any] = {
        "provider": provider,
        "model": model,
        **theirs,
        **{field: value for field, value in ours.items() if field not in theirs},
        "names": sorted({*theirs.get("names", ()), *ours.get("names", ())}),
        "can": sorted({*theirs.get("can", ()), *ours.get("can", ())}),
        "prices": {name: found for name, found in prices.items() if found},
        "open": has_open_weights(model),
    }
    return {field: value for field, value in facts.items() if value not in (None, [], {})}


def render(entries: Sequence[Mapping[str, Any]], versions: Mapping[str, str], day: date) -> bytes:
    """The file, compressed, the same for the same lists and day."""
    lists = [
        {"name": name, "version": version, "licence": LICENCES[name]}
        for name, version in sorted(versions.items())
    ]
    head = json.dumps({"date": day.isoformat(), "lists": lists}, separators=(",", ":"))
    lines = [
        json.dumps(entry, separators=(",", ":"), sort_keys=True, ensure_ascii=False) for entry in entries
    ]
    return gzip.compress("\n".join([head, *lines, ""]).encode(), mtime=0)


def main() -> None:
    """Write the file anew."""
    wheel = Path(sys.argv[1])
    day = date.fromisoformat(sys.argv[2]) if len(sys.argv) > 2 else datetime.now(UTC).date()
    entries = build(litellm_list.read_wheel(wheel), get_snapshot().providers, day)
    versions = {GENAI: version(GENAI), LITELLM: wheel.name.split("-")[1]}
    FILE.write_bytes(render(entries, versions, day))
    print(f"{FILE}: {len(entries):,} models, {FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
