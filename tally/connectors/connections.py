"""Connections to providers' APIs: an encrypted key, and the progress and outcome of its syncs."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID, uuid4

from pydantic import SecretStr

from tally.connectors import anthropic, openai, openrouter
from tally.connectors.client import ApiClient
from tally.connectors.datasets import ProviderApi
from tally.connectors.errors import KeyRefused, Unanswered
from tally.connectors.hosts import Host, check_key
from tally.connectors.jobs import JOB_ADVICE, JOB_SOURCES, reads_jobs
from tally.connectors.limits import INTERACTIVE, Limits
from tally.core.errors import TallyError
from tally.importers.readers.table import has_control_characters
from tally.secrets.key_ring import KeyRing
from tally.secrets.vault import EncryptedKey, Owner, decrypt_key, encrypt_key
from tally.storage.database import Database, Query, Row, select_all, select_first

APIS: dict[str, ProviderApi] = {api.provider: api for api in (openai.API, anthropic.API, openrouter.API)}
# No other provider's keys begin with these.
KEY_STARTS = {
    "openai": ("sk-admin-", "sk-proj-", "sk-svcacct-"),
    "anthropic": ("sk-ant-",),
    "openrouter": ("sk-or-",),
}
NOT_SAVED = "The connection was not saved. Try again in a few minutes."
MAX_NAME_LENGTH = 100
MAX_ACCOUNT_LENGTH = 50
DUE_WITHIN = timedelta(hours=12)  # nightly runs do not always start at the same minute
COLUMNS = (
    "id,workspace_id,user_id,provider_id,credential_name,is_active,validation_status,last_sync_at,next_sync_at,last_error,"
    "metadata,created_at"
)

LoadKeyRing = Callable[[], KeyRing]


class ConnectionRefused(TallyError):
    """A connection cannot be added or used; the text says what to do."""


@dataclass(frozen=True, slots=True)
class NewConnection:
    """Connection to add, as entered by the user."""

    provider: str
    name: str
    key: SecretStr
    account: str = ""

    def stripped(self) -> "NewConnection":
        """Return the connection without surrounding whitespace."""
        key = SecretStr(self.key.get_secret_value().strip())
        return replace(self, name=self.name.strip(), key=key, account=self.account.strip())


@dataclass(frozen=True, slots=True)
class SyncReport:
    """Outcome of a sync; `status` is None where it does not tell whether the key is valid."""

    status: Literal["valid", "invalid"] | None = None
    is_complete: bool = False
    error: str | None = None
    next_sync_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """Connection to one account at one provider, without its key."""

    connection_id: UUID
    workspace_id: UUID
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
        """The provider's API."""
        return APIS[self.provider]

    @property
    def account(self) -> str:
        """Name of the account at the provider; empty for the user's default account there."""
        return str(self.metadata.get("account") or "")

    @property
    def reads_jobs(self) -> bool:
        """True where the key reads jobs and files, not costs."""
        return self.metadata.get("reads") == "jobs"

    @property
    def import_id(self) -> str | None:
        """Source of its records; None before the first sync."""
        return self.metadata.get("import_id")

    @property
    def cursors(self) -> dict[str, str]:
        """Dataset -> last day that is final and needs no further sync."""
        return dict(self.metadata.get("cursors") or {})

    @property
    def balance_usd(self) -> Decimal | None:
        """Remaining prepaid credits, for providers that report them."""
        balance = self.metadata.get("balance_usd")
        return None if balance is None else Decimal(balance)

    def is_due(self, now: datetime) -> bool:
        """Return whether a nightly run that starts now should sync it."""
        return self.is_active and (self.next_sync_at is None or self.next_sync_at <= now + DUE_WITHIN)


def list_connections(database: Database) -> list[Connection]:
    """List the workspace's connections by provider and name."""
    query = Query("providers", "id,name,api_base_url", ["name"], {"name": tuple(APIS)})
    providers = {row["id"]: row for row in database.select(query)}
    synced = Query("api_credentials", COLUMNS, ["created_at", "id"], {"provider_id": tuple(providers)})
    found = [_parse(row, providers[row["provider_id"]]) for row in select_all(database, synced)]
    return sorted(found, key=lambda connection: (connection.provider, connection.name.casefold()))


def add_connection(
    database: Database, ring: KeyRing, new: NewConnection, limits: Limits = INTERACTIVE
) -> Connection:
    """Check the key with the provider, then encrypt and store it; on TallyError nothing is stored."""
    new = new.stripped()
    is_for_jobs = reads_jobs(new.provider, new.key.get_secret_value())
    _check_new(new, list_connections(database), is_for_jobs)
    check_key(new.key)
    _check_start(new)
    (provider,) = database.select(
        Query("providers", "id,name,api_base_url", ["name"], {"name": new.provider})
    )
    with open_client(new.provider, str(provider["api_base_url"] or ""), new.key, limits) as client:
        try:
            if is_for_jobs:
                JOB_SOURCES[new.provider][0].check(client)
            else:
                APIS[new.provider].check(client, datetime.now(UTC).date())
        except Unanswered as problem:
            raise type(problem)(problem.sentence, NOT_SAVED) from None
    credential_id = uuid4()
    workspace_id = UUID(database.scope.workspace_id)
    owner = Owner(workspace_id, credential_id, new.provider)
    encrypted = encrypt_key(ring, new.key.get_secret_value(), owner)
    added = database.insert(
        "api_credentials",
        {
            "id": str(credential_id),
            "provider_id": provider["id"],
            "credential_name": new.name,
            "encrypted_api_key": encrypted.envelope,
            "encryption_key_id": encrypted.key_id,
            "metadata": ({"account": new.account} if new.account else {})
            | ({"reads": "jobs"} if is_for_jobs else {}),
        },
    )
    report_sync(database, credential_id, SyncReport("valid"))
    return replace(_parse(added, provider), validation_status="valid")


def report_sync(database: Database, connection_id: UUID, report: SyncReport) -> None:
    """Store the outcome of a sync, or of a check of the key."""
    next_sync_at = report.next_sync_at
    database.call(
        "report_sync",
        credential_id=str(connection_id),
        status=report.status,
        is_complete=report.is_complete,
        error=report.error,
        next_sync_at=next_sync_at.isoformat() if next_sync_at else None,
    )


def set_active(database: Database, connection: Connection, is_active: bool) -> None:
    """Pause or resume; fetched records stay."""
    database.update("api_credentials", str(connection.connection_id), {"is_active": is_active})


def delete_connection(database: Database, connection: Connection, with_spend: bool) -> None:
    """Delete the key, and with `with_spend` also the records fetched with it."""
    if with_spend:
        for import_id in list_import_ids(database, connection):
            database.call("delete_source", import_id=import_id)
    database.delete("api_credentials", str(connection.connection_id))


def list_import_ids(database: Database, connection: Connection) -> list[str]:
    """List the sources of a connection: one, or none before its first sync."""
    own = {"credential_id": connection.connection_id}
    query = Query("imports", "id,created_at", ["created_at", "id"], own)
    return [str(row["id"]) for row in select_all(database, query)]


def open_key(database: Database, ring: KeyRing, connection: Connection) -> SecretStr:
    """Load and decrypt the key for a sync."""
    columns = "encrypted_api_key,encryption_key_id"
    row = select_first(database, Query("api_credentials", columns, ["id"], {"id": connection.connection_id}))
    if row is None:
        raise ConnectionRefused("This connection has been deleted.")
    encrypted = EncryptedKey(row["encrypted_api_key"], row["encryption_key_id"])
    owner = Owner(connection.workspace_id, connection.connection_id, connection.provider)
    return decrypt_key(ring, encrypted, owner)


def open_client(provider: str, base_url: str, key: SecretStr, limits: Limits | None = None) -> ApiClient:
    """Return a client for this key at the provider's address, which only an operator can change."""
    api = APIS[provider]
    is_for_jobs = reads_jobs(provider, key.get_secret_value())
    advice = JOB_ADVICE[provider] if is_for_jobs else api.key_advice
    return ApiClient(Host(api.title, base_url, advice), key, api.headers(key), limits)


def _check_new(new: NewConnection, known: list[Connection], is_for_jobs: bool) -> None:
    if not 1 <= len(new.name) <= MAX_NAME_LENGTH or has_control_characters(new.name):
        raise ConnectionRefused(f"Give the connection a name of 1 to {MAX_NAME_LENGTH} characters.")
    if len(new.account) > MAX_ACCOUNT_LENGTH or has_control_characters(new.account):
        raise ConnectionRefused(f"The account name can have up to {MAX_ACCOUNT_LENGTH} characters.")
    others = [connection for connection in known if connection.provider == new.provider]
    _check_unique(new, others, is_for_jobs)


def _check_start(new: NewConnection) -> None:
    """Raise KeyRefused for a key that begins as those of another provider do, before it is sent anywhere."""
    key = new.key.get_secret_value()
    for provider, starts in KEY_STARTS.items():
        start = next((start for start in starts if key.startswith(start)), "")
        if start and provider != new.provider:
            chosen, other = APIS[new.provider].title, APIS[provider].title
            raise KeyRefused(
                f"Keys that begin with {start} are those of {other}, not of {chosen}. It was not sent. "
                f"Choose {other} as the provider, or paste a key of {chosen}."
            )


def _check_unique(new: NewConnection, others: list[Connection], is_for_jobs: bool) -> None:
    """Raise ConnectionRefused when another connection to the provider has the same name or account."""
    title = APIS[new.provider].title
    if any(connection.name == new.name for connection in others):
        raise ConnectionRefused(
            f"There is already a connection to {title} named “{new.name}”. Choose another name."
        )
    alike = [connection for connection in others if connection.reads_jobs == is_for_jobs]
    same = next((connection for connection in alike if connection.account == new.account), None)
    if same is not None:
        # Two accounts with one name would be treated as one, and equal records counted only once.
        raise ConnectionRefused(
            f"“{same.name}” already connects the same {title} account. If this key is for another account, "
            "name that account. To replace a key, delete the old connection first; its spend stays."
        )


def _parse(row: Row, provider: Row) -> Connection:
    return Connection(
        connection_id=UUID(row["id"]),
        workspace_id=UUID(row["workspace_id"]),
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
