"""One object store for all tests, a folder in it for each, and a workspace with records of two months."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from uuid import UUID

import pytest

from tally.archive.storage import Storage, open_storage
from tests.database_fixtures import Connection, Project
from tests.object_store import ObjectStore, object_store
from tests.tally.archive.ledgers import fill

_folders = count(1)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """SeaweedFS."""
    place: Path = tmp_path_factory.mktemp("objects")
    with object_store(place) as running:
        yield running


@pytest.fixture
def folder() -> str:
    """A name that no other test uses."""
    return f"folder-{next(_folders)}"


@pytest.fixture
def storage(store: ObjectStore, folder: str) -> Storage:
    """An empty folder of the bucket."""
    return open_storage(store.settings(folder))


@pytest.fixture
def person(project: Project, user: UUID) -> Connection:
    """Somebody signed in, with records of January and February 2026 and what stands beside them."""
    connection = project.act_as("authenticated", user)
    fill(connection)
    return connection
