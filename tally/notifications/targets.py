"""Targets of channels, encrypted for the database, each bound to its channel and encryption key."""

import json
from dataclasses import dataclass
from uuid import UUID

from tally.notifications.senders.protocol import Target
from tally.secrets.envelope import EnvelopeError, Place, decrypt, encrypt
from tally.secrets.key_ring import KeyRing, VaultError

DOMAIN = "tally.notifications.targets"
DAMAGED = (
    "The target of this channel cannot be decrypted: it was changed in the database, or belongs to another "
    "channel. Give it again in Settings."
)
LOST = (
    "The target of this channel was encrypted with the key {key_id!r}, which TALLY_ENCRYPTION_KEYS does not "
    "hold. Put that key back, or give the target again in Settings."
)


@dataclass(frozen=True, slots=True)
class Owner:
    """The channel of a target; the target is refused in any other."""

    workspace_id: UUID
    channel_id: UUID
    kind: str


@dataclass(frozen=True, slots=True)
class SealedTarget:
    """An encrypted target, and the id of its encryption key."""

    envelope: str
    key_id: str


def seal_target(ring: KeyRing, target: Target, owner: Owner) -> SealedTarget:
    """Encrypts a target with the newest encryption key."""
    plain = json.dumps(dict(target), sort_keys=True).encode()
    key_id = ring.newest_id
    return SealedTarget(encrypt(ring.get(key_id), plain, _place(owner, key_id)), key_id)


def open_target(ring: KeyRing, sealed: SealedTarget, owner: Owner) -> dict[str, str]:
    """The target; raises VaultError unless it was encrypted for this very channel."""
    if sealed.key_id not in ring.ids:
        raise VaultError(LOST.format(key_id=sealed.key_id[:100]))
    try:
        plain = decrypt(ring.get(sealed.key_id), sealed.envelope, _place(owner, sealed.key_id))
    except EnvelopeError:
        raise VaultError(DAMAGED) from None
    target: dict[str, str] = json.loads(plain)
    return target


def _place(owner: Owner, key_id: str) -> Place:
    return Place(DOMAIN, (str(owner.workspace_id), str(owner.channel_id), owner.kind, key_id))
