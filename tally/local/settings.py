"""Settings of the one-machine stack."""

from pydantic import BaseModel, Field, SecretStr, ValidationError

from tally.core.environment import read_environment
from tally.core.errors import TallyError
from tally.core.paths import settings_file


class LocalSettings(BaseModel):
    """The first port of the stack, and what it passes on to its parts."""

    tally_port: int = Field(default=8501, ge=1, le=65532)
    smtp_url: SecretStr | None = None
    app_origin: str | None = None
    tally_backups: bool = True  # automatic ones: each night, and before a migration
    tally_backup_passphrase: SecretStr | None = None
    tally_open_signup: bool = False
    forwarded_allow_ips: str = ""  # proxies that may say for whom they ask


def load_local_settings() -> LocalSettings:
    """Read the environment and `.env`; raise TallyError naming an invalid setting."""
    try:
        return LocalSettings.model_validate(read_environment(settings_file()))
    except ValidationError as error:
        names = ", ".join(str(problem["loc"][0]).upper() for problem in error.errors())
        raise TallyError(
            f"{names} is not usable. TALLY_PORT must be a number between 1 and 65532, TALLY_BACKUPS `on` "
            "or `off`, TALLY_OPEN_SIGNUP 1 or 0."
        ) from None
