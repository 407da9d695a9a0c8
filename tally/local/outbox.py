"""Emails of a machine without a mail server, announced on the terminal of `tally up`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tally.core.text import printable


class Outbox:
    """The folder into which the sign-in service and the dashboard write emails."""

    def __init__(self, folder: Path, on_mail: Callable[[str], None]) -> None:
        self._folder, self._on_mail = folder, on_mail
        self._known = self._list()

    def poll(self) -> None:
        """Announce the emails that were written since the last call."""
        files = self._list()
        for file in sorted(files - self._known):
            if mail := _read(file):
                self._known.add(file)
                self._on_mail(_describe(mail, file))
        self._known &= files

    def _list(self) -> set[Path]:
        return set(self._folder.glob("*.json"))


def _read(file: Path) -> dict[str, Any]:
    """The email; empty while it is being written."""
    try:
        mail = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return mail if isinstance(mail, dict) else {}


def _describe(mail: dict[str, Any], file: Path) -> str:
    code = f", code {mail['code']}" if mail.get("code") else ""
    return f"Email to {mail.get('to')}: {printable(str(mail.get('subject')))}{code} ({file})"
