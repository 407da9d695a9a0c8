"""Settings from the environment, `.env` and the files of `tally up`."""

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from tally.core.errors import TallyError
from tally.core.paths import CHECKOUT, tally_home


class SettingsMissing(TallyError):
    """A required setting is missing."""


class Settings(BaseSettings):
    """The environment wins over `.env`, which wins over the files of `tally up` for its own stack."""

    model_config = SettingsConfigDict(extra="ignore", env_file_encoding="utf-8", env_ignore_empty=True)

    supabase_url: str
    supabase_publishable_key: str
    supabase_secret_key: SecretStr | None = None
    database_url: SecretStr | None = None
    smtp_url: SecretStr | None = None
    app_origin: str | None = None
    tally_encryption_keys: SecretStr | None = None  # see tally/secrets/key_ring.py
    tally_scan_logs: bool = False  # the dashboard may read coding agents' logs on its machine
    exchange_rates_url: str = "https://www.ecb.europa.eu/stats/eurofxref"  # or `off`


def load_settings() -> Settings:
    """The settings; raises SettingsMissing with their names and how to set them."""
    home = tally_home()
    env_files = (home / "stack.env", home / "vault.env", CHECKOUT / ".env")  # later files win
    try:
        return Settings(_env_file=env_files)  # type: ignore[call-arg]
    except ValidationError as error:
        names = ", ".join(str(problem["loc"][0]).upper() for problem in error.errors())
        raise SettingsMissing(
            f"Missing: {names}. Start Tally with `make up`, or set them for your Supabase project "
            "(see README)."
        ) from None


def require_database_url(settings: Settings) -> str:
    """Postgres address for the nightly run and the operator; raises SettingsMissing."""
    if settings.database_url is None:
        raise SettingsMissing(
            "Missing: DATABASE_URL. Start Tally with `make up`, or set it to your project's "
            "connection string."
        )
    return settings.database_url.get_secret_value()
