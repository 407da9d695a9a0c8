"""database/schema.sql is what the migrations make."""

import pytest

from tests.database.cluster import Cluster
from tests.database.schema import FILE, NoDump, dump_schema


def test_schema_file_is_what_the_migrations_make(cluster: Cluster) -> None:
    try:
        made = dump_schema(cluster)
    except NoDump as reason:
        pytest.skip(str(reason))
    assert FILE.read_text(encoding="utf-8") == made, "database/schema.sql is stale: run `make schema`."
