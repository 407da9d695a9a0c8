"""database/schema.sql is what the migrations make."""

import pytest

from tally.core.errors import TallyError
from tests.database.cluster import Cluster
from tests.database.schema import FILE, dump_schema


def test_schema_file_is_what_the_migrations_make(cluster: Cluster) -> None:
    try:
        made = dump_schema(cluster)
    except TallyError as reason:
        pytest.skip(str(reason))
    assert FILE.read_text(encoding="utf-8") == made, "database/schema.sql is stale: run `make schema`."
