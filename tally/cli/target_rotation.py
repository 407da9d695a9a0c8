"""Targets of alerts' channels of all workspaces, for rotations."""

from dataclasses import dataclass
from uuid import UUID

from tally.cli.sealed_rows import SealedRows
from tally.notifications.targets import Owner, SealedTarget, open_target, seal_target
from tally.secrets.key_ring import KeyRing

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
    """One encrypted target, and the id of the key that encrypted it."""

    owner: Owner
    envelope: str
    key_id: str

    @property
    def row_id(self) -> UUID:
        """The channel."""
        return self.owner.channel_id

    def decrypt(self, ring: KeyRing) -> dict[str, str]:
        """The target; raises VaultError if the ring cannot decrypt it."""
        return open_target(ring, SealedTarget(self.envelope, self.key_id), self.owner)

    def reencrypt(self, ring: KeyRing) -> tuple[str, str]:
        """Encrypt it with the newest key; raises VaultError likewise."""
        sealed = seal_target(ring, self.decrypt(ring), self.owner)
        return sealed.envelope, sealed.key_id


def _read(channel_id: UUID, workspace_id: UUID, kind: str, envelope: str, key_id: str) -> StoredTarget:
    return StoredTarget(Owner(workspace_id, channel_id, kind), envelope, key_id)


TARGETS = SealedRows(NEXT_PAGE, REPLACE, _read)
