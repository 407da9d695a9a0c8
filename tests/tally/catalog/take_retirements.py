"""Take the days on which models retire from LiteLLM's model list.

    python -m tests.tally.catalog.take_retirements WHEEL

The list is `litellm/model_prices_and_context_window_backup.json` in the wheel of LiteLLM (MIT licence).
"""

import json
import re
import sys
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from tally.catalog.models import canonical_model
from tally.catalog.retirements import FILE

LIST = "litellm/model_prices_and_context_window_backup.json"
# LiteLLM's provider, or its beginning -> Tally's.
PROVIDERS = {
    "anthropic": "anthropic",
    "azure": "azure",
    "bedrock": "aws-bedrock",
    "deepseek": "deepseek",
    "fireworks_ai": "fireworks",
    "gemini": "google",
    "github_copilot": "github-copilot",
    "groq": "groq",
    "mistral": "mistral",
    "openai": "openai",
    "text-completion-openai": "openai",
    "together_ai": "together",
    "vertex_ai": "google",
    "xai": "xai",
}
EARLIEST = "2026-01-01"

Models = Mapping[str, Mapping[str, Any]]


def take(models: Models) -> dict[str, dict[str, list[str]]]:
    """Provider -> model -> the day, and the successor where one is named.

    Dated versions have their model's name in Tally. A model retires on its own day. If it tells none, it is
    that of its last version, provided that each has one.
    """
    versions: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for name, entry in models.items():
        provider = find_provider(str(entry.get("litellm_provider")))
        # Prices of one size of image, of training, and of a region's premium are no models of their own.
        written = name.rpartition("/")[2]
        if provider and not name.startswith(("ft:", "low/", "medium/", "high/", "standard/")):
            model = canonical_model(written)
            versions[provider, model].setdefault(written, entry)
    found: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for (provider, model), of_model in sorted(versions.items()):
        told = [of_model[model]] if model in of_model and is_dated(of_model[model]) else [*of_model.values()]
        if all(map(is_dated, told)):
            last = max(told, key=lambda entry: str(entry["deprecation_date"]))
            if last["deprecation_date"] >= EARLIEST:
                found[provider][model] = [last["deprecation_date"], *successor(last)]
    return dict(found)


def find_provider(name: str) -> str | None:
    """Tally's provider: that of the name, or of its first part."""
    return PROVIDERS.get(name) or next(
        (slug for part, slug in PROVIDERS.items() if name.startswith((f"{part}-", f"{part}_"))), None
    )


def is_dated(entry: Mapping[str, Any]) -> bool:
    """True if the entry names a day."""
    try:
        return bool(date.fromisoformat(str(entry["deprecation_date"])))
    except (KeyError, ValueError):
        return False


def successor(entry: Mapping[str, Any]) -> list[str]:
    """The model that its provider recommends, if any."""
    name = entry.get("successor_model")
    return [canonical_model(str(name))] if name else []


def main() -> None:
    """Write the file anew."""
    wheel = Path(sys.argv[1])
    with ZipFile(wheel) as opened:
        models = json.loads(opened.read(LIST))
    taken = {"source": "-".join(wheel.name.split("-")[:2]), "models": take(models)}
    text = json.dumps(taken, indent=1, sort_keys=True)
    one_line = re.sub(r"\[\s*([^\]]*?)\s*\]", lambda found: f"[{' '.join(found[1].split())}]", text)
    FILE.write_text(one_line + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
