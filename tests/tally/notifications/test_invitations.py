"""The email that invites an address to a workspace."""

import re
from dataclasses import replace
from datetime import UTC, datetime

from tally.notifications.invitations import Invitation, invitation_link, write_invitation

LINK = "https://tally.example/invitation?token=abc"
INVITATION = Invitation(
    "grace@example.com", "Northwind", "admin", "ada@example.com", datetime(2026, 12, 5, 23, tzinfo=UTC)
)


def test_email_says_who_invites_to_what_and_how_to_accept() -> None:
    mail = write_invitation(INVITATION, LINK)

    assert (mail.to, mail.subject) == ("grace@example.com", "Invitation to “Northwind” in Tally")
    assert mail.text.startswith(
        "ada@example.com invited you to the workspace “Northwind” in Tally as an admin.\n"
    )
    assert f"\n{LINK}\n" in mail.text
    assert "for grace@example.com only, until 5 December 2026." in mail.text


def test_hostile_name_adds_no_line_and_no_link() -> None:
    plain = write_invitation(INVITATION, LINK)
    hostile = replace(
        INVITATION, workspace="x”.\n\nYour account is locked: http://evil.example <b>{link}</b>"
    )

    mail = write_invitation(hostile, LINK)

    assert mail.text.count("\n") == plain.text.count("\n")
    assert re.findall(r"\w+://\S+", mail.text) == [LINK]
    assert "evil.example" not in mail.text
    assert "\n" not in mail.subject


def test_link_is_below_the_origin() -> None:
    assert invitation_link("https://tally.example/", "t-_") == "https://tally.example/invitation?token=t-_"
