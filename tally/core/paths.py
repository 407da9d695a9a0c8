"""Locations of Tally's own files."""

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def tally_home() -> Path:
    """Folder of Tally's state: TALLY_HOME, or `.tally` in the checkout."""
    return Path(os.environ.get("TALLY_HOME") or CHECKOUT / ".tally").expanduser().resolve()
