"""Encrypted values in rows of all workspaces: reading them in pages, encrypting them with the newest key."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

import psycopg

from tally.secrets.key_ring import KeyRing, VaultError

Connection = psycopg.Connection[Any]
PAGE = 500
MAX_PASSES = 10  # an account that keeps changing its value does not keep the rotation from ending


class Sealed(Protocol):
    """A row's encrypted value."""

    @property
    def row_id(self) -> UUID:
        """The row."""

    @property
    def envelope(self) -> str:
        """The encrypted value."""

    @property
    def key_id(self) -> str:
        """The id of the key that encrypted it."""

    def decrypt(self, ring: KeyRing) -> object:
        """The value; raises VaultError if the ring cannot decrypt it."""

    def reencrypt(self, ring: KeyRing) -> tuple[str, str]:
        """The value as the newest key encrypts it, and that key's id; raises VaultError likewise."""


SomeSealed = TypeVar("SomeSealed", bound=Sealed)


@dataclass(frozen=True, slots=True)
class SealedRows(Generic[SomeSealed]):
    """A table with encrypted values.

    `page` selects rows after the id `last`, whose columns `read` takes, the id first. `replace` takes the new
    envelope and key id, then the row's id and its old ones, and changes nothing if it has others.
    """

    page: str
    replace: str
    read: Callable[..., SomeSealed]

    def load(self, connection: Connection) -> Iterator[SomeSealed]:
        """Every value of every workspace."""
        last: UUID | None = None  # not the least id: an account may have chosen that one
        while page := connection.execute(self.page, {"last": last, "page": PAGE}).fetchall():
            for row in page:
                yield self.read(*row)
            last = page[-1][0]

    def load_used_key_ids(self, connection: Connection, ring: KeyRing) -> set[str]:
        """Ids of the keys that decrypt at least one value: a damaged row keeps no key."""
        return {stored.key_id for stored in self.load(connection) if not describe_damage(stored, ring)}

    def reencrypt(self, connection: Connection, ring: KeyRing) -> int:
        """Encrypt all readable values with the newest key; returns the number re-encrypted.

        Safe to interrupt and to repeat.
        """
        reencrypted = 0
        for _ in range(MAX_PASSES):
            outcomes = [self._reencrypt(connection, ring, stored) for stored in self.load(connection)]
            reencrypted += outcomes.count(True)
            if set(outcomes) <= {None}:  # values that people changed in the meantime are checked again
                break
        return reencrypted

    def _reencrypt(self, connection: Connection, ring: KeyRing, stored: SomeSealed) -> bool | None:
        """True if re-encrypted, False if changed in the meantime, None if there is nothing to do."""
        if stored.key_id == ring.newest_id:
            return None
        try:
            sealed = stored.reencrypt(ring)
        except VaultError:
            return None
        values = (*sealed, stored.row_id, stored.envelope, stored.key_id)
        return connection.execute(self.replace, values).rowcount == 1


def describe_damage(stored: Sealed, ring: KeyRing) -> str:
    """Reason why a value cannot be decrypted; empty if it can."""
    try:
        stored.decrypt(ring)
    except VaultError as error:
        return str(error)
    return ""
