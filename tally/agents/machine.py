"""This machine: its name, and the folder where collecting keeps its state."""

import os
import socket
from pathlib import Path

from tally.agents.logs import printable
from tally.core.errors import TallyError
from tally.core.paths import tally_home

LONGEST_NAME = 100


def machine_name() -> str:
    """What this machine is called, without its domain."""
    return printable(socket.gethostname().partition(".")[0])[:LONGEST_NAME] or "this machine"


def collecting_folder() -> Path:
    """Beside Tally's data where there are any, else in the person's own state folder; closed to others."""
    home = tally_home()
    if not (os.environ.get("TALLY_HOME") or home.exists()):
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        home = state / "tally"
    folder = home / "collect"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise TallyError(
            f"Tally cannot use the folder {folder} ({error.strerror}). "
            "Set TALLY_HOME to a folder of your own."
        ) from None
    return folder
