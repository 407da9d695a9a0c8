"""Locations of Tally's own files: those of a checkout, or of a wheel that was installed."""

import os
from pathlib import Path

from tally.core.errors import TallyError

CHECKOUT = Path(__file__).resolve().parents[2]  # where Tally's packages are; of a wheel, site-packages
SHIPPED = Path(__file__).resolve().parents[1] / "shipped"  # only a wheel has it: setup.py fills it
IS_INSTALLED = SHIPPED.is_dir()
# The commands that sentences tell to run.
START = "tally up" if IS_INSTALLED else "make up"
SETUP = "tally up" if IS_INSTALLED else "make setup"
HOME_OF_ROOT = Path("/var/lib/tally")  # Postgres runs as another user, for whom root's own folder is closed


def own_files() -> Path:
    """Folder with `database/migrations` and `supabase`: the checkout, or their copies in the wheel."""
    return SHIPPED if IS_INSTALLED else CHECKOUT


def stack_folder() -> Path:
    """Folder that the embedded stack runs from, with its npm packages.

    A wheel's is in Tally's home, as nobody may write to an installation.
    """
    return tally_home() / "stack" if IS_INSTALLED else CHECKOUT / "supabase" / "local"


def settings_file() -> Path:
    """File with settings, which may not exist: `.env` in the checkout, or in Tally's home."""
    return (tally_home() if IS_INSTALLED else CHECKOUT) / ".env"


def tally_home() -> Path:
    """Folder of Tally's state: TALLY_HOME, or `.tally` in the checkout, or a folder of the user's data."""
    return expand_home(Path(os.environ.get("TALLY_HOME") or _default_home())).resolve()


def _default_home() -> Path:
    if not IS_INSTALLED:
        return CHECKOUT / ".tally"
    if os.geteuid() == 0:
        return HOME_OF_ROOT
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share") / "tally"


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
