"""One module for each service that takes messages."""

from tally.notifications.senders import (
    discord,
    email,
    ntfy,
    pagerduty,
    slack,
    teams,
    telegram,
    webhook,
)
from tally.notifications.senders.protocol import Form, Sender

# Services that take messages over HTTP, by kind of channel.
SENDERS: dict[str, Sender] = {
    "slack": slack,
    "discord": discord,
    "teams": teams,
    "pagerduty": pagerduty,
    "telegram": telegram,
    "ntfy": ntfy,
    "webhook": webhook,
}
# All kinds of channels, in the order in which they are offered.
KINDS: dict[str, Form] = {"email": email, **SENDERS}
# Addresses of these come from people; all others have hosts that are known.
OWN_SERVERS = frozenset({"ntfy", "webhook"})
# Programs read these: an event is a message of its own, and its end is told.
FOR_PROGRAMS = frozenset({"pagerduty", "webhook"})
