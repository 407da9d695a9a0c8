"""Settings of processes that serve together."""

from typing import Literal

from pydantic import BaseModel, Field, SecretStr, ValidationError

from tally.core.environment import load_environment
from tally.core.errors import TallyError

DRAIN_SECONDS = 5.0
MEANT = {
    "TALLY_PROCESSES": "`one` or `several`",
    "TALLY_DRAIN_SECONDS": "a number of seconds from 0 to 600",
    "TALLY_WEB_DATABASE_URL": "the address of a database",
}


class ServingSettings(BaseModel):
    """The place of state that processes share, and how they end."""

    tally_processes: Literal["one", "several"] = "one"
    tally_web_database_url: SecretStr | None = None  # logs in as tally_web
    tally_drain_seconds: float = Field(default=DRAIN_SECONDS, ge=0, le=600)

    @property
    def are_several(self) -> bool:
        """True if others serve beside this process, so that shared state is in Postgres."""
        return self.tally_processes == "several"

    @property
    def web_database(self) -> str:
        """The connection string of the dashboard's shared state; raises TallyError without one."""
        if self.tally_web_database_url is None:
            raise TallyError(
                "TALLY_PROCESSES is `several`, but TALLY_WEB_DATABASE_URL is missing, where these share "
                "their sessions. Set it to a connection string of the role tally_web, or TALLY_PROCESSES to "
                "`one`."
            )
        return self.tally_web_database_url.get_secret_value()


def load_serving_settings() -> ServingSettings:
    """Read the environment and `.env`; raises TallyError for what cannot be meant."""
    try:
        return ServingSettings.model_validate(load_environment())
    except ValidationError as error:
        names = [str(problem["loc"][0]).upper() for problem in error.errors()]
        wanted = ", ".join(f"{name} must be {MEANT[name]}" for name in names)
        raise TallyError(f"{wanted}. Correct it, then start again.") from None
