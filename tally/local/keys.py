"""The secrets of the one-machine stack: made once, at the first start, and readable by their owner alone."""

import json
import secrets
from dataclasses import asdict, dataclass

from pydantic import SecretStr

from tally.core.errors import TallyError
from tally.core.private_files import write_private
from tally.local.home import Home
from tally.secrets.vault import make_key

ENCRYPTION_KEYS = "TALLY_ENCRYPTION_KEYS"
LOGIN_ROLES = ("supabase_admin", "postgres", "authenticator", "supabase_auth_admin")


@dataclass(frozen=True, slots=True)
class Keys:
    """The JWT secret, the two API keys and one password for each role that may log in to the database."""

    jwt_secret: str
    publishable_key: str
    secret_key: str
    passwords: dict[str, str]


def load_keys(home: Home) -> Keys:
    """Read the secrets, or make them if there is no data yet that was sealed with others."""
    make_encryption_keys(home)
    if home.secrets_file.exists():
        return _read_keys(home)
    if any(home.data.glob("*/PG_VERSION")):
        raise TallyError(
            f"{home.secrets_file} is missing, but {home.data} holds a database that was made with it. "
            "Put the file back from a backup, or move that folder away to begin anew."
        )
    keys = _make_keys()
    write_private(home.secrets_file, json.dumps(asdict(keys), indent=2) + "\n")
    return keys


def make_encryption_keys(home: Home) -> None:
    """Make the first key that seals provider keys; `tally keys rotate` makes the others."""
    if read_encryption_keys(home) is None:
        save_encryption_keys(home, SecretStr(make_key()))


def read_encryption_keys(home: Home) -> SecretStr | None:
    """TALLY_ENCRYPTION_KEYS of this machine."""
    if not home.vault_env.exists():
        return None
    keys = home.vault_env.read_text(encoding="utf-8").partition("=")[2].strip().strip('"')
    return SecretStr(keys) if keys else None


def save_encryption_keys(home: Home, keys: SecretStr) -> None:
    """Write TALLY_ENCRYPTION_KEYS of this machine, which running programs read when they next need it."""
    write_private(home.vault_env, f'{ENCRYPTION_KEYS}="{keys.get_secret_value()}"\n')


def _read_keys(home: Home) -> Keys:
    try:
        keys = Keys(**json.loads(home.secrets_file.read_text(encoding="utf-8")))
        complete = set(LOGIN_ROLES) <= set(keys.passwords)
    except (OSError, ValueError, TypeError):
        complete = False
    if not complete:
        raise TallyError(f"{home.secrets_file} cannot be read or is not complete. Put it back from a backup.")
    home.secrets_file.chmod(0o600)
    return keys


def _make_keys() -> Keys:
    return Keys(
        jwt_secret=secrets.token_hex(32),
        publishable_key=f"sb_publishable_{secrets.token_urlsafe(24)}",
        secret_key=f"sb_secret_{secrets.token_urlsafe(24)}",
        passwords={role: secrets.token_hex(24) for role in LOGIN_ROLES},
    )
