"""The email that invites an address to a workspace."""

from dataclasses import dataclass
from datetime import datetime

from tally.notifications.mail import Mail
from tally.notifications.wording import clean

TEXT = """\
{inviter} invited you to the workspace “{workspace}” in Tally as {role}.
Tally shows what a team spends on AI, and on what.

Accept the invitation:
{link}

The link works once, for {email} only, until {expires}.
If you did not expect this email, ignore it: without you, nothing happens.
"""
ARTICLES = {"admin": "an admin", "member": "a member", "viewer": "a viewer"}


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation, with the names that go into the email."""

    email: str
    workspace: str
    role: str
    inviter: str
    expires_at: datetime


def write_invitation(invitation: Invitation, link: str) -> Mail:
    """The email with the link that accepts the invitation. Names of people and workspaces may be hostile."""
    workspace = clean(invitation.workspace)
    expires = invitation.expires_at
    text = TEXT.format(
        inviter=invitation.inviter,
        workspace=workspace,
        role=ARTICLES.get(invitation.role, "a member"),
        link=link,
        email=invitation.email,
        expires=f"{expires.day} {expires:%B %Y}",
    )
    return Mail(invitation.email, f"Invitation to “{workspace}” in Tally", text)


def invitation_link(origin: str, token: str) -> str:
    """The address of the page that accepts an invitation."""
    return f"{origin.rstrip('/')}/invitation?token={token}"
