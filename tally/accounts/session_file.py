"""File of the CLI session, readable without the client of Supabase."""

import json
from pathlib import Path


def session_path(folder: Path) -> Path:
    """Path of the session in the folder for collection state."""
    return folder / "account.json"


def load_workspace_name(folder: Path) -> str:
    """Name of the workspace that this machine collects into; empty where it is unknown."""
    try:
        session = json.loads(session_path(folder).read_bytes())
        name = session.get("workspace_name")
    except (OSError, ValueError, RecursionError, AttributeError):
        return ""
    return name if isinstance(name, str) else ""
