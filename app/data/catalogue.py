"""A workspace's own models beside those of the catalogue."""

from app.auth.identity import User, database_of
from app.data.reading import cached, data_version
from tally.pricing import custom_models
from tally.pricing.custom_models import CustomModel


def load_custom_models(user: User) -> list[CustomModel]:
    """Fine-tuned models and those of own servers, by provider and name."""
    return _custom_models(user, data_version(user))


@cached
def _custom_models(user: User, version: str) -> list[CustomModel]:  # noqa: ARG001
    return custom_models.load_custom_models(database_of(user))
