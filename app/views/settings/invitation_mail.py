"""Delivery of an invitation: by email where Tally can send any, else as a link to pass on."""

from dataclasses import dataclass

from app.auth.identity import User
from app.auth.same_origin import app_origin
from app.data.workspace_changes import NewInvitation
from app.parts.public_origin import browser_origin
from tally.core.settings import load_settings
from tally.notifications.invitations import Invitation, invitation_link, write_invitation
from tally.notifications.mail import MailNotSent, Outbox, open_mailer

IN_OUTBOX = "No mail server is set up (SMTP_URL), so the email is only in the outbox folder of this server."
PASS_ON = "Copy this link and send it to {email} yourself. It is shown only now."  # noqa: S105 - no password


@dataclass(frozen=True, slots=True)
class Delivery:
    """The link of an invitation, and the reason why it was not sent by email, empty if it was."""

    link: str
    problem: str = ""

    @property
    def is_sent(self) -> bool:
        """True if an email with the link is under way."""
        return not self.problem


def deliver_invitation(user: User, invitation: NewInvitation, role: str) -> Delivery:
    """Send the invitation by email if Tally can.

    Emails need APP_ORIGIN: the address that a browser reports could lead a recipient to another site.
    """
    origin = app_origin()
    link = invitation_link(origin or browser_origin(), invitation.token)
    pass_on = PASS_ON.format(email=invitation.email)
    try:
        mailer = open_mailer(load_settings())
        if mailer is None:
            return Delivery(link, pass_on)
        if origin is None:
            return Delivery(link, f"No email was sent, because APP_ORIGIN is not set. {pass_on}")
        described = Invitation(invitation.email, user.workspace.name, role, user.email, invitation.expires_at)
        mailer.send(write_invitation(described, link))
    except MailNotSent as problem:
        return Delivery(link, f"{problem} {pass_on}")
    return Delivery(link, f"{IN_OUTBOX} {pass_on}" if isinstance(mailer, Outbox) else "")
