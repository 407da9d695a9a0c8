"""Where Tally's Supabase project is and how it may be reached: the same few settings everywhere."""

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from tally.core.errors import TallyError
from tally.core.paths import CHECKOUT, tally_home

__all__ = ["CHECKOUT", "Settings", "SettingsMissing", "load_settings", "require_database_url", "tally_home"]


class SettingsMissing(TallyError):
    """A setting that this command needs is not set."""


class Settings(BaseSettings):
    """Environment first, then `.env`, then the files that `tally up` writes for its own stack."""

    model_config = SettingsConfigDict(extra="ignore", env_file_encoding="utf-8", env_ignore_empty=True)

    supabase_url: str
    supabase_publishable_key: str
    supabase_secret_key: SecretStr | None = None
    database_url: SecretStr | None = None
    smtp_url: SecretStr | None = None
    app_origin: str | None = None
    tally_encryption_keys: SecretStr | None = None  # see tally/secrets/key_ring.py
    tally_scan_logs: bool = False  # the dashboard may read the coding agents' logs of the machine it runs on
    exchange_rates_url: str = "https://www.ecb.europa.eu/stats/eurofxref"  # `off`: nobody is asked


def load_settings() -> Settings:
    """Read the settings, or raise SettingsMissing naming what is absent and how to get it."""
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
    """The Postgres address of the job and the operator, or SettingsMissing."""
    if settings.database_url is None:
        raise SettingsMissing(
            "Missing: DATABASE_URL. Start Tally with `make up`, or set it to your project's "
            "connection string."
        )
    return settings.database_url.get_secret_value()
