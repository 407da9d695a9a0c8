"""Models in the names of Azure's meters, such as `gpt-4o-mini 0718 Inp glbl Tokens` or `5.4 inp Gl`."""

import re
from functools import lru_cache

from tally.catalog.models import canonical_model
from tally.catalog.payees import find_maker
from tally.core.records import NO_MODEL
from tally.pricing.listed_models import is_listed

# Words that follow the model.
FOLLOWING = frozenset(
    word
    for words in (
        "in inp inpt input out outp outpt output opt",  # direction
        "cached cache cchd cd cch wr write rd read",
        "aud audio txt text img image vid video ft fine train training hosting token tokens",
        "gl glb glbl global dz dzn dzone data datazone zone rgnl reg regn regnl regional us eu",
        "batch bat prty priority pri pp flex std standard ptu shortco longco sc lc",
        "1k 1m session unit units",
    )
    for word in words.split()
)

_VERSION = re.compile(r"[3-9](?:\.[0-9]+)?(?:-|$)")
_DATE = re.compile(r"(?<!mistral-large)(?<!mistral-small)(?<!codestral)-(?:20[0-9]{2}-)?[0-9]{2}-?[0-9]{2}$")
# Words of meters, and how the model's own name has them.
_SPELLINGS = (
    (r"^gpt(?=[0-9])", "gpt-"),
    (r"gpt-35", "gpt-3.5"),
    (r"^o-(?=[0-9])", "o"),
    (r"^(gpt-4o(?:-mini)?)-rt$", r"\1-realtime-preview"),
    (r"^(gpt(?:-[0-9.]+)?(?:-mini)?)-rt$", r"\1-realtime"),
    (r"^((?:meta-)?llama-[3-9][0-9.]*(?:-[a-z]+)?-[0-9]+b)$", r"\1-instruct"),
)


@lru_cache(10_000)
def model_of(meter: str) -> str:
    """The model's name in other sources, or NO_MODEL; the bill then covers all other usage of its day."""
    words = [word for word in re.split(r"[\s_-]+", meter.strip().casefold()) if word]
    ends = [place for place, word in enumerate(words) if word in FOLLOWING]
    for end in ends or [len(words)]:
        if model := _find_model("-".join(words[:end])):
            return model
    return NO_MODEL


def _find_model(stem: str) -> str:
    """The model with this name, also without `gpt` before its number; empty when there is none."""
    has_version = bool(re.search("[0-9]", stem))
    stem = _DATE.sub("", stem)
    for pattern, spelling in _SPELLINGS:
        stem = re.sub(pattern, spelling, stem)
    for name in (stem, f"gpt-{stem}") if _VERSION.match(stem) else (stem,):
        is_named = has_version and find_maker(name) is not None
        if is_listed("azure", name) or is_listed("openai", name) or is_named:
            return canonical_model(name)
    return ""
