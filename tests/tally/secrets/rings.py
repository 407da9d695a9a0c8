"""Key rings for tests."""

import base64
from uuid import UUID

from pydantic import SecretStr

from tally.core.settings import Settings
from tally.secrets.key_ring import KeyRing, load_key_ring
from tally.secrets.vault import Owner

SECRET = "sk-ant-admin01-verysecretindeed"
USER, OTHER, CREDENTIAL = UUID(int=1), UUID(int=2), UUID(int=3)
OWNER = Owner(USER, CREDENTIAL, "anthropic")
# The same in every process, since test names contain them.
KEY, NEWER = (
    f"{name}:{base64.b64encode(bytes([number]) * 32).decode()}"
    for number, name in enumerate(("first", "second"))
)


def settings_with(keys: str | None) -> Settings:
    """Settings with these encryption keys."""
    return Settings(
        supabase_url="http://127.0.0.1",
        supabase_publishable_key="public",
        tally_encryption_keys=SecretStr(keys) if keys is not None else None,
    )


def ring_of(*keys: str) -> KeyRing:
    """A ring of these keys, newest first."""
    return load_key_ring(settings_with(",".join(keys)))
