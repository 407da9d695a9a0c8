"""Locations of Tally's own files."""

import os
from pathlib import Path

from tally.core.errors import TallyError

CHECKOUT = Path(__file__).resolve().parents[2]


def tally_home() -> Path:
    """Folder of Tally's state: TALLY_HOME, or `.tally` in the checkout."""
    return expand_home(Path(os.environ.get("TALLY_HOME") or CHECKOUT / ".tally")).resolve()


def collection_path() -> Path:
    """Folder for collection state, in Tally's home or else the user's state folder; it may not exist."""
    home = tally_home()
    if not (os.environ.get("TALLY_HOME") or home.exists()):
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        home = state / "tally"
    return home / "collect"


def expand_home(path: Path) -> Path:
    """The path with `~` replaced; raises TallyError where that has no folder."""
    try:
        return path.expanduser()
    except RuntimeError:
        raise TallyError(f"The folder of {path} is unknown on this machine. Write it in full.") from None
