"""Connections to providers' APIs: a sealed key, what was fetched with it so far, and when it is due again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from pydantic import SecretStr

from tally.connectors import anthropic, openai, openrouter
from tally.connectors.client import HASTY, ApiClient, Host, Limits, check_key
from tally.connectors.datasets import ProviderApi
from tally.core.errors import TallyError
from tally.importers.readers.table import has_control_characters
from tally.secrets.key_ring import KeyRing
from tally.secrets.vault import EncryptedKey, decrypt_key, encrypt_key
from tally.storage.database import Database, Query, Row, select_all, select_first

APIS: dict[str, ProviderApi] = {api.provider: api for api in (openai.API, anthropic.API, openrouter.API)}
LONGEST_NAME = 100
LONGEST_ACCOUNT = 50
DUE_WITHIN = timedelta(hours=12)  # nights do not begin at the same minute
COLUMNS = (
    "id,user_id,provider_id,credential_name,is_active,validation_status,last_sync_at,next_sync_at,last_error,"
    "metadata,created_at"
)

OpenRing = Callable[[], KeyRing]


class ConnectionRefused(TallyError):
    """A connection cannot be made or used as asked; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A key for one account at one provider, as its owner sees it: without the key."""

    connection_id: UUID
    user_id: UUID
    provider: str
    base_url: str
    name: str
    is_active: bool
    validation_status: str
    created_at: datetime
    last_sync_at: datetime | None
    next_sync_at: datetime | None
    last_error: str | None
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def api(self) -> ProviderApi:
        """How this provider is asked."""
        return APIS[self.provider]

    @property
    def account(self) -> str:
        """Tells this account from the person's other ones at the provider; empty for the usual one."""
        return str(self.metadata.get("account") or "")

    @property
    def import_id(self) -> str | None:
        """The source that its records belong to."""
        return self.metadata.get("import_id")

    @property
    def cursors(self) -> dict[str, str]:
        """Dataset -> the last day that needs no more asking."""
        return dict(self.metadata.get("cursors") or {})

    @property
    def balance_usd(self) -> Decimal | None:
        """What is left of prepaid credits, where the provider says so."""
        balance = self.metadata.get("balance_usd")
        return None if balance is None else Decimal(balance)

    def is_due(self, now: datetime) -> bool:
        """Whether a night that begins now should sync it."""
        return self.is_active and (self.next_sync_at is None or self.next_sync_at <= now + DUE_WITHIN)


def list_connections(database: Database) -> list[Connection]:
    """The person's connections by provider and name."""
    query = Query("providers", "id,name,api_base_url", ["name"], {"name": tuple(APIS)})
    providers = {row["id"]: row for row in database.select(query)}
    synced = Query("api_credentials", COLUMNS, ["created_at", "id"], {"provider_id": tuple(providers)})
    found = [_parse(row, providers[row["provider_id"]]) for row in select_all(database, synced)]
    return sorted(found, key=lambda connection: (connection.provider, connection.name.casefold()))


def add_connection(
    database: Database,
    ring: KeyRing,
    user_id: UUID,
    provider: str,
    name: str,
    key: SecretStr,
    account: str = "",
    limits: Limits = HASTY,
) -> Connection:
    """Ask the provider to accept the key, then encrypt and store it; on TallyError nothing is stored."""
    name, account, key = name.strip(), account.strip(), SecretStr(key.get_secret_value().strip())
    _check_names(list_connections(database), provider, name, account)
    check_key(key)
    (row,) = database.select(Query("providers", "id,name,api_base_url", ["name"], {"name": provider}))
    with open_client(provider, str(row["api_base_url"] or ""), key, limits) as client:
        APIS[provider].check(client, datetime.now(UTC).date())
    credential_id = uuid4()
    encrypted = encrypt_key(ring, key.get_secret_value(), user_id, credential_id)
    added = database.insert(
        "api_credentials",
        {
            "id": str(credential_id),
            "provider_id": row["id"],
            "credential_name": name,
            "encrypted_api_key": encrypted.envelope,
            "encryption_key_id": encrypted.key_id,
            "validation_status": "valid",
            "last_validated_at": datetime.now(UTC).isoformat(),
            "metadata": {"account": account} if account else {},
        },
    )
    return _parse(added, row)


def set_active(database: Database, connection: Connection, is_active: bool) -> None:
    """Pause or resume; what was fetched stays."""
    database.update("api_credentials", str(connection.connection_id), {"is_active": is_active})


def delete_connection(database: Database, connection: Connection, with_spend: bool) -> None:
    """Forget the key. The spend that it brought stays, unless it is to go as well."""
    if with_spend:
        for import_id in list_import_ids(database, connection):
            database.delete("imports", import_id)
    database.delete("api_credentials", str(connection.connection_id))


def list_import_ids(database: Database, connection: Connection) -> list[str]:
    """The sources that belong to a connection: one, or none before its first sync."""
    own = {"credential_id": connection.connection_id}
    query = Query("imports", "id,created_at", ["created_at", "id"], own)
    return [str(row["id"]) for row in select_all(database, query)]


def open_key(database: Database, ring: KeyRing, connection: Connection) -> SecretStr:
    """The key itself, for as long as a sync takes."""
    columns = "encrypted_api_key,encryption_key_id"
    row = select_first(database, Query("api_credentials", columns, ["id"], {"id": connection.connection_id}))
    if row is None:
        raise ConnectionRefused("This connection has been deleted.")
    encrypted = EncryptedKey(row["encrypted_api_key"], row["encryption_key_id"])
    return decrypt_key(ring, encrypted, connection.user_id, connection.connection_id)


def open_client(provider: str, base_url: str, key: SecretStr, limits: Limits | None = None) -> ApiClient:
    """A client for this key at the provider's own address, which no person can change."""
    api = APIS[provider]
    return ApiClient(Host(api.title, base_url, api.key_advice), key, api.headers(key), limits)


def _check_names(known: list[Connection], provider: str, name: str, account: str) -> None:
    title = APIS[provider].title
    if not 1 <= len(name) <= LONGEST_NAME or has_control_characters(name):
        raise ConnectionRefused(f"Give the connection a name of 1 to {LONGEST_NAME} characters.")
    if len(account) > LONGEST_ACCOUNT or has_control_characters(account):
        raise ConnectionRefused(f"The account's name can have up to {LONGEST_ACCOUNT} characters.")
    others = [connection for connection in known if connection.provider == provider]
    if any(connection.name == name for connection in others):
        raise ConnectionRefused(
            f"There is a connection to {title} named “{name}” already. Choose another name."
        )
    same = next((connection for connection in others if connection.account == account), None)
    if same is not None:
        # Two accounts under one name would be taken for one, and what they have in common counted once.
        raise ConnectionRefused(
            f"“{same.name}” is connected to the same {title} account. If this key is for another account, "
            "name that account; to replace a key, delete the old connection first: its spend stays."
        )


def _parse(row: Row, provider: Row) -> Connection:
    return Connection(
        connection_id=UUID(row["id"]),
        user_id=UUID(row["user_id"]),
        provider=provider["name"],
        base_url=provider["api_base_url"] or "",
        name=row["credential_name"],
        is_active=row["is_active"],
        validation_status=row["validation_status"],
        created_at=datetime.fromisoformat(row["created_at"]),
        last_sync_at=_instant(row["last_sync_at"]),
        next_sync_at=_instant(row["next_sync_at"]),
        last_error=row["last_error"],
        metadata=row["metadata"],
    )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
