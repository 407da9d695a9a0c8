"""Settings from the environment, `.env` and the files of `tally up`."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, SecretStr, ValidationError

from tally.core.environment import load_environment
from tally.core.errors import TallyError
from tally.core.paths import START


class SettingsMissing(TallyError):
    """A required setting is missing."""


class Settings(BaseModel):
    """The settings of a project, hosted or on this machine."""

    supabase_url: str
    supabase_publishable_key: str
    supabase_secret_key: SecretStr | None = None
    database_url: SecretStr | None = None
    api_database_url: SecretStr | None = None  # see api/settings.py
    smtp_url: SecretStr | None = None
    tally_outbox: Path | None = None  # folder for emails where there is no mail server
    app_origin: str | None = None
    tally_encryption_keys: SecretStr | None = None  # see tally/secrets/key_ring.py
    tally_clickhouse_url: SecretStr | None = None  # analytics engine, see tally/analytics/client.py
    tally_analytics: Literal["auto", "postgres", "clickhouse"] = "auto"  # see tally/analytics/engine.py
    tally_scan_logs: bool = False  # the dashboard may read coding agents' logs on its machine
    tally_allow_private_webhooks: bool = False  # alerts may go to servers that are not on the internet
    tally_alert_services: str | None = None  # for tests: a server on this machine in place of all services
    exchange_rates_url: str = "https://www.ecb.europa.eu/stats/eurofxref"  # or `off`


def load_settings() -> Settings:
    """The settings; raises SettingsMissing with their names and how to set them."""
    try:
        return Settings.model_validate(load_environment())
    except ValidationError as error:
        if any(problem["loc"] == ("tally_analytics",) for problem in error.errors()):
            raise SettingsMissing("TALLY_ANALYTICS is auto, postgres or clickhouse.") from None
        names = ", ".join(str(problem["loc"][0]).upper() for problem in error.errors())
        raise SettingsMissing(
            f"Missing: {names}. Start Tally with `{START}`, or set them for your Supabase project "
            "(see README)."
        ) from None


def require_database_url(settings: Settings) -> str:
    """Postgres address for the nightly run and the operator; raises SettingsMissing."""
    if settings.database_url is None:
        raise SettingsMissing(
            f"Missing: DATABASE_URL. Start Tally with `{START}`, or set it to your project's "
            "connection string."
        )
    return settings.database_url.get_secret_value()
