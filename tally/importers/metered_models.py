"""Models in the names of meters on bills."""

import re

from tally.catalog.makers import find_family
from tally.catalog.models import canonical_model

_LLAMA = re.compile(r"llama-[3-9][.0-9]*(?:-[a-z]+)?-[0-9]+b")  # clouds sell these as -instruct only


def name_metered(written: str) -> str:
    """The model's name in other sources; empty for a name of no known family or of a family alone."""
    name = canonical_model(written)
    if not find_family(name) or (name.startswith("claude") and not re.search("[0-9]", name)):
        return ""
    return f"{name}-instruct" if _LLAMA.fullmatch(name) else name
