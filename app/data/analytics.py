"""Questions about costs and traces, which an analytics engine answers where there is one that suits."""

from functools import lru_cache
from typing import Any

from app.auth.identity import User, database_of
from tally.analytics.answers import Answer
from tally.core.settings import Settings, load_settings


def ask_engine(user: User, function: str, **asked: Any) -> Answer:
    """The answer of a function of the API, in its form; raises DatabaseError."""
    database, settings = database_of(user), _settings()
    if settings.tally_clickhouse_url is None:
        return Answer(database.call(function, **asked), None)
    from tally.analytics.engine import open_engine

    address = settings.tally_clickhouse_url.get_secret_value()
    return open_engine(database, address, settings.tally_analytics).ask(function, **asked)


@lru_cache(maxsize=1)
def _settings() -> Settings:
    return load_settings()
