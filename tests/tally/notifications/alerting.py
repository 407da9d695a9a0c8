"""Channels and events in a real database, and the settings with which messages leave."""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from pydantic import SecretStr

from tally.core.settings import Settings
from tally.notifications.delivery import Report, deliver_due
from tally.notifications.due import IS_DUE
from tally.notifications.senders import KINDS
from tally.notifications.targets import Owner, seal_target
from tally.secrets.key_ring import load_key_ring, make_key
from tests.database_fixtures import Connection
from tests.tally.notifications.targets import TARGETS

FACTS = {
    "budget": "Web",
    "measure": "cost",
    "threshold": "actual",
    "percent": 80,
    "amount": "1000",
    "currency": "USD",
    "spent": "812.40",
    "as_of": "2026-11-29T07:00:00Z",
}


def make_settings(**values: Any) -> Settings:
    """Settings with a key of encryption."""
    return Settings(
        supabase_url="", supabase_publishable_key="", tally_encryption_keys=SecretStr(make_key()), **values
    )


@dataclass
class Desk:
    """A workspace with its channels, and the sender of their messages."""

    database: Connection
    workspace: UUID
    settings: Settings
    channels: dict[str, UUID] = field(default_factory=dict)

    def add_channel(self, kind: str, name: str = "", **columns: Any) -> UUID:
        """Add a verified channel."""
        channel, target = uuid4(), columns.pop("target", TARGETS[kind])
        sealed = seal_target(
            load_key_ring(self.settings), KINDS[kind].check(target), Owner(self.workspace, channel, kind)
        )
        verified_by = columns.pop("verified_by", "link" if kind == "email" else "message")
        row = {
            "id": channel,
            "workspace_id": self.workspace,
            "kind": kind,
            "name": name or kind,
            "hint": "",
            "sealed_target": sealed.envelope,
            "encryption_key_id": sealed.key_id,
            "verified_by": verified_by,
        } | columns
        self.database.execute(
            f"""insert into public.channels ({", ".join(row)}, verified_at)
            values ({", ".join(["%s"] * len(row))}, case when %s::text is not null then now() end)""",
            [*row.values(), verified_by],
        )
        self.channels[name or kind] = channel
        return channel

    def raise_event(self, subject: str = "b1", severity: str = "warning", **facts: Any) -> UUID | None:
        """Raise an event of a budget."""
        [[event]] = self.database.execute(
            "select private.raise_event(%s, 'budget', %s, null, '2026-11-01', %s, %s)",
            [self.workspace, subject, severity, json.dumps(FACTS | facts)],
        ).fetchall()
        return event if isinstance(event, UUID) else None

    def clear(self, event: UUID | None) -> None:
        """End an event."""
        self.database.execute("select private.clear_event(%s)", [event])

    def test(self, channel: UUID) -> UUID:
        """Enqueue a message that tests or verifies a channel."""
        [[delivery]] = self.database.execute(
            "select private.enqueue_test(%s, %s)", [self.workspace, channel]
        ).fetchall()
        assert isinstance(delivery, UUID)
        return delivery

    def deliver(self) -> Report:
        """Send what is due."""
        return deliver_due(self.database, self.settings)

    def is_due(self) -> bool:
        """True while there is something to send."""
        return self.database.execute(IS_DUE).rowcount > 0

    def pass_time(self, interval: str) -> None:
        """Move everything that is noted into the past, as if so much time had passed."""
        for column in ("next_attempt_at", "leased_until", "expires_at", "created_at"):
            self.database.execute(
                f"update public.deliveries set {column} = {column} - %s::interval", [interval]
            )

    def states(self) -> list[str]:
        """The states of all deliveries, the oldest first."""
        query = "select kind || ' ' || state from public.deliveries order by created_at, kind"
        return [state for (state,) in self.database.execute(query).fetchall()]

    def problem(self) -> str:
        """The problem of the last attempt."""
        query = "select problem from public.delivery_attempts order by at desc, number desc limit 1"
        [[problem]] = self.database.execute(query).fetchall()
        return str(problem)

    def channel(self, name: str, columns: str) -> Any:
        """Columns of a channel."""
        query = f"select {columns} from public.channels where id = %s"
        [row] = self.database.execute(query, [self.channels[name]]).fetchall()
        return row if len(row) > 1 else row[0]
