"""Settings of the API, which runs where the dashboard does or in processes of its own."""

from typing import Literal

from pydantic import BaseModel, SecretStr, ValidationError

from tally.core.environment import load_environment
from tally.core.errors import TallyError

NO_DATABASE = "This Tally answers no programs: API_DATABASE_URL is not set. Its README says how to set it."


class ApiSettings(BaseModel):
    """Addresses of what the API needs."""

    api_database_url: SecretStr | None = None  # logs in as tally_api, which has no rights of its own
    database_url: SecretStr | None = None  # taken without the one above
    tally_redis_url: SecretStr | None = None  # counts for the rate limits of several processes
    tally_processes: Literal["one", "several"] = "one"

    @property
    def database(self) -> str | None:
        """The connection string, if there is one."""
        found = self.api_database_url or self.database_url
        return found.get_secret_value() if found else None

    @property
    def redis(self) -> str | None:
        """The address of Redis, if there is one."""
        return self.tally_redis_url.get_secret_value() if self.tally_redis_url else None

    @property
    def counts_in_database(self) -> bool:
        """True if several processes count for rate limits, and there is no Redis to do it."""
        return self.tally_processes == "several" and not self.redis and self.database is not None


def load_api_settings() -> ApiSettings:
    """Read the environment and the files of `tally up`."""
    try:
        return ApiSettings.model_validate(load_environment())
    except ValidationError as error:
        names = ", ".join(str(problem["loc"][0]).upper() for problem in error.errors())
        raise TallyError(f"{names} cannot be used. Correct it, then start again.") from None
