"""Emails in the outbox, announced once."""

import os
import time
from pathlib import Path

from tally.local.outbox import Outbox
from tally.notifications.mail import Mail
from tally.notifications.mail import Outbox as Folder


def test_new_emails_are_announced_once(tmp_path: Path) -> None:
    said: list[str] = []
    folder = Folder(tmp_path)
    folder.send(Mail("old@example.com", "Old", "text"))
    outbox = Outbox(tmp_path, said.append, shows_codes=True)
    outbox.poll()
    assert said == []

    (tmp_path / "0.json").write_text('{"to": "ada@example.com", "subject": "Reset", "code": "123456"}')
    (tmp_path / "1.json").write_text('{"to": "half')
    outbox.poll()
    outbox.poll()
    assert said == [f"Email to ada@example.com: Reset, code 123456 ({tmp_path / '0.json'})"]

    (tmp_path / "1.json").write_text(
        '{"to": "bob@example.com", "subject": "Invitation to\\u001b[2J", "code": null}'
    )
    outbox.poll()
    assert len(said) == 2
    assert said[1].startswith("Email to bob@example.com: Invitation to")
    assert "\x1b" not in said[1]


def test_codes_are_kept_from_output_that_is_no_terminal(tmp_path: Path) -> None:
    said: list[str] = []
    outbox = Outbox(tmp_path, said.append, shows_codes=False)
    (tmp_path / "0.json").write_text('{"to": "ada@example.com", "subject": "Reset", "code": "123456"}')
    outbox.poll()
    assert said == [f"Email to ada@example.com: Reset ({tmp_path / '0.json'})"]


def test_emails_are_deleted_after_an_hour(tmp_path: Path) -> None:
    for name, minutes in (("old.json", 61), ("half.json.new", 61), ("recent.json", 59)):
        (tmp_path / name).write_text("{}")
        moment = time.time() - minutes * 60
        os.utime(tmp_path / name, (moment, moment))
    (tmp_path / "folder").mkdir()
    Outbox(tmp_path, lambda _: None, shows_codes=False).poll()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "recent.json"]
