"""A sender that is killed after it sent a message and before it has recorded that.

`python -m tests.tally.notifications.dying` is that sender: it takes its settings and the database's address
from standard input.
"""

import json
import os
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_string
from email.policy import default
from pathlib import Path
from uuid import UUID

import psycopg
from pydantic import SecretStr

from tally.core.settings import Settings
from tally.notifications import delivery
from tests.database_fixtures import Project
from tests.mail_server import MailServer, mail_server
from tests.tally.notifications.alerting import Desk, make_settings
from tests.tally.notifications.fake_services import FakeServices, fake_services

CHECKOUT = Path(__file__).resolve().parents[3]


@dataclass
class Outcome:
    """Kills, and what receivers saw of each message: how often, and under which identities."""

    kills: int = 0
    lost: int = 0
    repeated: int = 0
    identities: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @property
    def torn(self) -> int:
        """Messages that came under more than one identity."""
        return sum(len(found) > 1 for found in self.identities.values())


def kill_senders(project: Project, workspace: UUID, kills: int) -> Outcome:
    """Kill so many senders, each at an event of its own, and let another one finish."""
    outcome = Outcome()
    with _desk(project, workspace) as (desk, services, smtp):
        for number in range(kills):
            desk.raise_event(f"event {number}", budget=f"Budget {number}")
            outcome.kills += _send_and_die(project, desk.settings) == -signal.SIGKILL
            desk.pass_time("6 minutes")  # the dead sender's claims end
            desk.deliver()
            desk.pass_time("1 hour")
        received = list(_identify(services, smtp))
    counts = Counter(message for message, _ in received)
    for message, identity in received:
        outcome.identities[message].add(identity)
    outcome.lost = 3 * kills - len(counts)
    outcome.repeated = sum(counts.values()) - len(counts)
    return outcome


@contextmanager
def _desk(project: Project, workspace: UUID) -> Iterator[tuple[Desk, FakeServices, MailServer]]:
    with fake_services() as services, mail_server() as smtp, project.connect() as database:
        settings = make_settings(
            tally_alert_services=services.address,
            tally_allow_private_webhooks=True,
            smtp_url=SecretStr(f"smtp://127.0.0.1:{smtp.port}?from=tally@example.org"),
        )
        desk = Desk(database, workspace, settings)
        desk.add_channel("webhook", target={"url": f"{services.address}/webhook.example.org/in"})
        desk.add_channel("pagerduty")
        desk.add_channel("email")
        yield desk, services, smtp


def _send_and_die(project: Project, settings: Settings) -> int:
    secrets = ("tally_encryption_keys", "smtp_url")
    values = settings.model_dump(mode="json") | {
        name: found.get_secret_value() for name in secrets if (found := getattr(settings, name))
    }
    given = json.dumps({"settings": values, "database": project.cluster.url(project.name)})
    command = [sys.executable, "-m", "tests.tally.notifications.dying"]
    return subprocess.run(command, input=given, text=True, cwd=CHECKOUT, check=False).returncode


def _identify(services: FakeServices, smtp: MailServer) -> Iterator[tuple[str, str]]:
    """Each message that arrived, with what its receiver tells repetitions by."""
    for request in services.received:
        content = request.json
        if request.host == "webhook.example.org":
            yield f"webhook {content['data']['title']}", request.headers["webhook-id"]
        else:
            yield f"pagerduty {content['payload']['summary']}", content["dedup_key"]
    for mail in smtp.mails:
        message = message_from_string(mail, policy=default)
        yield f"email {message['Subject']}", str(message["Message-ID"])


def _die(*_: object) -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


def main() -> None:
    """Send what is due, and die at the first message that would be recorded."""
    given = json.loads(sys.stdin.read())
    vars(delivery)["record"] = _die
    with psycopg.connect(given["database"], autocommit=True) as connection:
        delivery.deliver_due(connection, Settings.model_validate(given["settings"]))


if __name__ == "__main__":
    main()
