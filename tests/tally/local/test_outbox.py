"""Emails in the outbox, announced once."""

from pathlib import Path

from tally.local.outbox import Outbox
from tally.notifications.mail import Mail
from tally.notifications.mail import Outbox as Folder


def test_new_emails_are_announced_once(tmp_path: Path) -> None:
    said: list[str] = []
    folder = Folder(tmp_path)
    folder.send(Mail("old@example.com", "Old", "text"))
    outbox = Outbox(tmp_path, said.append)
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
