"""Secrets of the one-machine stack: generated at the first start, readable by their owner only."""

import json
import secrets
from dataclasses import asdict, dataclass

from pydantic import SecretStr

from tally.core.errors import TallyError
from tally.core.private_files import write_private
from tally.local.home import Home
from tally.secrets.key_ring import make_key

ENCRYPTION_KEYS = "TALLY_ENCRYPTION_KEYS"
LOGIN_ROLES = ("supabase_admin", "postgres", "authenticator", "supabase_auth_admin")


@dataclass(frozen=True, slots=True)
class Keys:
    """The JWT secret, the two API keys and a password for each database role that can log in."""

    jwt_secret: str
    publishable_key: str
    secret_key: str
    passwords: dict[str, str]


def load_keys(home: Home) -> Keys:
    """Read the secrets, or generate them if there is no database yet."""
    make_encryption_keys(home)
    if home.secrets_file.exists():
        return _read_keys(home)
    if any(home.data.glob("*/PG_VERSION")):
        raise TallyError(
            f"{home.secrets_file} is missing, but {home.data} holds a database that was created with it. "
            "Restore the file from a backup, or move that folder away to start with an empty database."
        )
    keys = _make_keys()
    write_private(home.secrets_file, json.dumps(asdict(keys), indent=2) + "\n")
    return keys


def make_encryption_keys(home: Home) -> None:
    """Generate the first key that encrypts provider keys; `tally keys rotate` adds the later ones."""
    if read_encryption_keys(home) is None:
        save_encryption_keys(home, SecretStr(make_key()))


def read_encryption_keys(home: Home) -> SecretStr | None:
    """TALLY_ENCRYPTION_KEYS as stored on this machine."""
    if not home.vault_env.exists():
        return None
    keys = home.vault_env.read_text(encoding="utf-8").partition("=")[2].strip().strip('"')
    return SecretStr(keys) if keys else None


def save_encryption_keys(home: Home, keys: SecretStr) -> None:
    """Store TALLY_ENCRYPTION_KEYS on this machine; running programs read it the next time they need it."""
    write_private(home.vault_env, f'{ENCRYPTION_KEYS}="{keys.get_secret_value()}"\n')


def _read_keys(home: Home) -> Keys:
    try:
        keys = Keys(**json.loads(home.secrets_file.read_text(encoding="utf-8")))
        complete = set(LOGIN_ROLES) <= set(keys.passwords)
    except (OSError, ValueError, TypeError):
        complete = False
    if not complete:
        raise TallyError(f"{home.secrets_file} cannot be read or is incomplete. Restore it from a backup.")
    home.secrets_file.chmod(0o600)
    return keys


def _make_keys() -> Keys:
    return Keys(
        jwt_secret=secrets.token_hex(32),
        publishable_key=f"sb_publishable_{secrets.token_urlsafe(24)}",
        secret_key=f"sb_secret_{secrets.token_urlsafe(24)}",
        passwords={role: secrets.token_hex(24) for role in LOGIN_ROLES},
    )
