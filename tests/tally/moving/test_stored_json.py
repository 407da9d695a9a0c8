"""The measure of JSON is the database's."""

import json
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tally.moving.stored_json import measure
from tests.database_fixtures import Connection

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    texts,
    st.integers(-(10**40), 10**40),
    st.floats(allow_nan=False, allow_infinity=False),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=6), st.dictionaries(texts, inner, max_size=6)),
    max_leaves=20,
)


@given(value=st.dictionaries(texts, values, max_size=6))
@example(value={"a": 1e300, "b": 1e-300, "c": 10**300, "d": 10_000, "e": 0.0, "f": -1.5})
@example(value={"a": 5 * 10**256, "b": 1e-64, "c": [10**4000, 1e-260], "d": 1e-65})
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_object_takes_the_room_that_is_measured(database: Connection, value: dict[str, Any]) -> None:
    found = database.execute("select pg_column_size(%s::jsonb)", [json.dumps(value)]).fetchone()
    assert found == (measure(value),)
