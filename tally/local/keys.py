"""Secrets of the one-machine stack: generated at the first start, readable by their owner only."""

import json
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass

import psycopg
from psycopg import sql
from pydantic import SecretStr

from tally.core.environment import load_environment
from tally.core.errors import TallyError
from tally.core.private_files import write_private
from tally.local.home import Home
from tally.secrets.key_ring import make_key

ENCRYPTION_KEYS = "TALLY_ENCRYPTION_KEYS"
ENCRYPTED_TABLES = ("api_credentials", "channels")
API_ROLE = "tally_api"
FIRST_ROLES = ("supabase_admin", "postgres", "authenticator", "supabase_auth_admin")
LOGIN_ROLES = (*FIRST_ROLES, API_ROLE)


@dataclass(slots=True)
class Keys:
    """The JWT secret, the two API keys and a password for each database role that can log in."""

    jwt_secret: str
    publishable_key: str
    secret_key: str
    passwords: dict[str, str]


def load_keys(home: Home) -> Keys:
    """Read the secrets, or generate them if there is no database yet."""
    has_keys = read_encryption_keys(home) is not None
    has_database = bool(home.files_of_data("PG_VERSION"))
    if not (has_keys or has_database):
        save_encryption_keys(home, SecretStr(make_key()))
    if home.secrets_file.exists():
        return _read_keys(home)
    if has_database:
        raise TallyError(
            f"{home.secrets_file} is missing, but {home.data} holds a database that was created with it. "
            "Restore the file from a backup, or move that folder away to start with an empty database."
        )
    keys = make_keys()
    save_keys(home, keys)
    return keys


def make_encryption_keys(home: Home, database_url: str) -> None:
    """Generate a key that encrypts provider keys, unless there is one; `tally keys rotate` adds later ones.

    Raises TallyError if the key was lost: a new one could not decrypt what the database holds.
    """
    if read_encryption_keys(home) is not None:
        return
    stored = _count_secrets(database_url)
    if stored and not load_environment().get(ENCRYPTION_KEYS.lower()):
        raise TallyError(
            f"{home.vault_env} is missing or empty, and without it {stored:,} provider "
            f"key{'s' if stored > 1 else ''} or channel{'s' if stored > 1 else ''} of alerts cannot be "
            "decrypted. Restore the file from a backup. If there is none, run `tally keys replace`, and add "
            "them again."
        )
    save_encryption_keys(home, SecretStr(make_key()))


def read_encryption_keys(home: Home) -> SecretStr | None:
    """TALLY_ENCRYPTION_KEYS as stored on this machine; raises TallyError if the file is not text."""
    if not home.vault_env.exists():
        return None
    try:
        text = home.vault_env.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise TallyError(f"{home.vault_env} is not text in UTF-8. Restore it from a backup.") from None
    keys = text.partition("=")[2].strip().strip('"')
    return SecretStr(keys) if keys else None


def save_keys(home: Home, keys: Keys) -> None:
    """Store the secrets on this machine."""
    write_private(home.secrets_file, json.dumps(asdict(keys), indent=2) + "\n")


def save_encryption_keys(home: Home, keys: SecretStr) -> None:
    """Store TALLY_ENCRYPTION_KEYS on this machine; running programs read it the next time they need it."""
    write_private(home.vault_env, f'{ENCRYPTION_KEYS}="{keys.get_secret_value()}"\n')


def _count_secrets(database_url: str) -> int:
    """The number of encrypted rows; a database of an older version lacks some of the tables."""
    count = 0
    with psycopg.connect(database_url, connect_timeout=10, autocommit=True) as connection:
        for table in ENCRYPTED_TABLES:
            with suppress(psycopg.errors.UndefinedTable):
                query = sql.SQL("select count(*) from public.{}").format(sql.Identifier(table))
                [[rows]] = connection.execute(query).fetchall()
                count += rows
    return count


def _read_keys(home: Home) -> Keys:
    try:
        keys = Keys(**json.loads(home.secrets_file.read_text(encoding="utf-8")))
        complete = set(FIRST_ROLES) <= set(keys.passwords)
    except (OSError, ValueError, TypeError):
        complete = False
    if not complete:
        raise TallyError(f"{home.secrets_file} cannot be read or is incomplete. Restore it from a backup.")
    home.secrets_file.chmod(0o600)
    if API_ROLE not in keys.passwords:  # the stack was made before this role was
        keys.passwords[API_ROLE] = secrets.token_hex(24)
        save_keys(home, keys)
    return keys


def make_keys() -> Keys:
    """New secrets."""
    return Keys(
        jwt_secret=secrets.token_hex(32),
        publishable_key=f"sb_publishable_{secrets.token_urlsafe(24)}",
        secret_key=f"sb_secret_{secrets.token_urlsafe(24)}",
        passwords={role: secrets.token_hex(24) for role in LOGIN_ROLES},
    )
