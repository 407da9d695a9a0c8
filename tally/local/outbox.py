"""Emails of a machine without a mail server: announced by `tally up`, deleted after an hour."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tally.core.text import printable

KEPT_SECONDS = 3600.0  # a code is valid for as long
CHECK_SECONDS = 60.0


class Outbox:
    """The folder into which the sign-in service and the dashboard write emails.

    Codes are announced only on a terminal: the output of a service is kept, and more people read it.
    """

    def __init__(self, folder: Path, on_mail: Callable[[str], None], shows_codes: bool) -> None:
        self._folder, self._on_mail, self._shows_codes = folder, on_mail, shows_codes
        self._known = self._list()
        self._purge_at = 0.0

    def poll(self) -> None:
        """Announce the emails that were written since the last call; delete old ones once a minute."""
        if time.monotonic() >= self._purge_at:
            self._purge_at = time.monotonic() + CHECK_SECONDS
            self._purge()
        files = self._list()
        for file in sorted(files - self._known):
            if mail := _read(file):
                self._known.add(file)
                self._on_mail(_describe(mail, file, self._shows_codes))
        self._known &= files

    def _purge(self) -> None:
        oldest = time.time() - KEPT_SECONDS
        for file in self._folder.iterdir():
            with suppress(OSError):
                if file.is_file() and file.stat().st_mtime < oldest:
                    file.unlink()

    def _list(self) -> set[Path]:
        return set(self._folder.glob("*.json"))


def _read(file: Path) -> dict[str, Any]:
    """The email; empty while it is being written."""
    try:
        mail = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return mail if isinstance(mail, dict) else {}


def _describe(mail: dict[str, Any], file: Path, shows_code: bool) -> str:
    code = f", code {mail['code']}" if shows_code and mail.get("code") else ""
    return f"Email to {mail.get('to')}: {printable(str(mail.get('subject')))}{code} ({file})"
