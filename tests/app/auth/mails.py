"""Codes in the mails of the sign-in service."""

import json
import time

from tests.app.accounts import Account
from tests.app.conftest import Project


def mailed_code(project: Project, account: Account) -> str:
    """The newest 6-digit code in the outbox for this account."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for mail in sorted(project.outbox.iterdir(), key=lambda file: file.stat().st_mtime, reverse=True):
            content = json.loads(mail.read_text())
            if content["to"] == account.email:
                return str(content["code"])
        time.sleep(0.1)
    raise AssertionError("no code was mailed")
