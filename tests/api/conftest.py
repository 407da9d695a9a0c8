"""The API on a real Postgres, behind a real server on this machine."""

from collections.abc import Callable, Iterator
from uuid import UUID

import httpx
import pytest

from api.app import create_api
from api.settings import ApiSettings
from tally.api_keys.keys import NewKey, create_key
from tally.storage.postgres import PostgresDatabase
from tests.api.server import ApiServer
from tests.database_fixtures import Connection, Project

MakeKey = Callable[..., str]


def settings_of(project: Project, **others: str) -> ApiSettings:
    """The settings of an API that logs in as its own role."""
    return ApiSettings.model_validate(
        {"api_database_url": project.cluster.url(project.name, "tally_api"), **others}
    )


@pytest.fixture
def api(project: Project) -> Iterator[ApiServer]:
    """The API of the test's database."""
    with ApiServer(create_api(settings_of(project))) as running:
        yield running


@pytest.fixture
def make_key(database: Connection, user: UUID) -> MakeKey:
    """A function that makes a key of the user, or of another member of a workspace."""

    def make(
        *scopes: str, owner: UUID | None = None, workspace: UUID | None = None, **details: object
    ) -> str:
        as_owner = PostgresDatabase(database, owner or user, workspace)
        return create_key(as_owner, NewKey("test", scopes or ("ingest",), **details)).text  # type: ignore[arg-type]

    return make


@pytest.fixture
def as_key(api: ApiServer) -> Callable[[str], httpx.Client]:
    """A function that makes a client with a key."""
    return api.client
