"""Targets of alerts' channels: reading them in pages, and encrypting them with the newest key."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from tally.notifications.targets import Owner, SealedTarget, open_target, seal_target
from tally.secrets.key_ring import KeyRing, VaultError

Connection = psycopg.Connection[Any]
PAGE = 500
MAX_PASSES = 10  # an admin who keeps changing a channel does not keep the rotation from ending

NEXT_PAGE = """
select c.id, c.workspace_id, c.kind, c.sealed_target, c.encryption_key_id
from public.channels as c
where %(last)s::uuid is null or c.id > %(last)s
order by c.id
limit %(page)s"""

# This changes nothing if the target was replaced in the meantime.
REPLACE = """
update public.channels
set sealed_target = %s, encryption_key_id = %s
where id = %s and sealed_target = %s and encryption_key_id = %s"""


@dataclass(frozen=True, slots=True)
class StoredTarget:
    """One encrypted target, with its channel."""

    owner: Owner
    sealed: SealedTarget


def load_targets(connection: Connection) -> Iterator[StoredTarget]:
    """Every target of every workspace."""
    last: UUID | None = None
    while page := connection.execute(NEXT_PAGE, {"last": last, "page": PAGE}).fetchall():
        for channel_id, workspace_id, kind, envelope, key_id in page:
            yield StoredTarget(Owner(workspace_id, channel_id, kind), SealedTarget(envelope, key_id))
        last = page[-1][0]


def describe_target_damage(stored: StoredTarget, ring: KeyRing) -> str:
    """Reason why the target cannot be decrypted; empty if it can."""
    try:
        open_target(ring, stored.sealed, stored.owner)
    except VaultError as error:
        return str(error)
    return ""


def load_target_key_ids(connection: Connection, ring: KeyRing) -> set[str]:
    """Ids of the keys that decrypt at least one target."""
    return {
        stored.sealed.key_id
        for stored in load_targets(connection)
        if not describe_target_damage(stored, ring)
    }


def reencrypt_targets(connection: Connection, ring: KeyRing) -> int:
    """Encrypt all readable targets with the newest key; returns the number re-encrypted.

    Safe to interrupt and to repeat.
    """
    reencrypted = 0
    for _ in range(MAX_PASSES):
        outcomes = [_reencrypt(connection, ring, stored) for stored in load_targets(connection)]
        reencrypted += outcomes.count(True)
        if set(outcomes) <= {None}:
            break
    return reencrypted


def _reencrypt(connection: Connection, ring: KeyRing, stored: StoredTarget) -> bool | None:
    """True if re-encrypted, False if changed in the meantime, None if there is nothing to do."""
    if stored.sealed.key_id == ring.newest_id:
        return None
    try:
        target = open_target(ring, stored.sealed, stored.owner)
    except VaultError:
        return None
    sealed = seal_target(ring, target, stored.owner)
    before = (stored.sealed.envelope, stored.sealed.key_id)
    values = (sealed.envelope, sealed.key_id, stored.owner.channel_id, *before)
    return connection.execute(REPLACE, values).rowcount == 1
