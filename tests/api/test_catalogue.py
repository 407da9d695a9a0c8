"""Programs search the catalogue at /v1/models, priced at the workspace's own mix."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest

from tally.catalog.entries import find_entry
from tests.api.conftest import MakeKey
from tests.api.server import ApiServer
from tests.api.test_reading import read, record, save
from tests.database_fixtures import Connection


@pytest.fixture
def client(api: ApiServer, make_key: MakeKey) -> httpx.Client:
    """A program with a key that may read."""
    return api.client(make_key("read"))


def search(client: httpx.Client, **query: str) -> dict[str, Any]:
    """What the catalogue has for a question."""
    return read(client, "/v1/models", list="catalogue", **query)


def test_models_are_found_and_priced_at_the_own_mix(
    client: httpx.Client, database: Connection, user: UUID
) -> None:
    found = search(client, q="cluade sonet 4.5", limit="1")
    assert (found["mix_is_own"], found["mix"]) == (False, {"input": "0.75", "output": "0.25"})
    assert found["models"][0]["at_mix_usd"] == "6"
    assert found["models"][0]["used_cost_usd"] is None
    used = record("1.5", model="claude-sonnet-4-5", provider="anthropic", input_tokens=90, output_tokens=10)
    save(database, user, used)
    found = search(client, q="cluade sonet 4.5", limit="1")
    [model] = found["models"]
    assert (found["mix_is_own"], found["mix"]["output"], found["next_offset"]) == (True, "0.1", 1)
    assert (model["provider"], model["model"], model["is_own"]) == ("anthropic", "claude-sonnet-4-5", False)
    assert Decimal(model["at_mix_usd"]) == Decimal("0.9") * 3 + Decimal("0.1") * 15
    assert (model["used_cost_usd"], model["retires"], model["open_weights"]) == ("1.5", "2026-11-30", False)
    assert model["tiers"]["litellm"]["batch"]["output"] == "7.5"


def test_filters_and_pages_give_every_model_once(client: httpx.Client) -> None:
    query = {"provider": "Mistral", "can": "tools,images", "mode": "chat", "min_context": "100000"}
    whole = search(client, **query, limit="200")
    assert whole["total"] == len(whole["models"]) > 3
    for model in whole["models"]:
        entry = find_entry(model["provider"], model["model"])
        assert entry is not None
        assert entry.provider == "mistral"
        assert {"tools", "images"} <= entry.can
        assert (entry.context or 0) >= 100_000
    paged: list[Any] = []
    offset: int | None = 0
    while offset is not None:
        page = search(client, **query, limit="3", offset=str(offset))
        paged += page["models"]
        offset = page["next_offset"]
    assert paged == whole["models"]


def test_own_models_come_first_and_belong_to_their_workspace(
    client: httpx.Client, database: Connection, user: UUID, stranger: UUID
) -> None:
    for owner, name in ((user, "ft:gpt-4o:acme::1"), (stranger, "ft:gpt-4o:other::1")):
        database.execute(
            """insert into public.custom_models (workspace_id, provider_id, model_name, base_model)
            select %s, id, %s, 'gpt-4o' from public.providers where name = 'openai'""",
            [owner, name],
        )
    found = search(client, q="gpt-4o")["models"]
    assert (found[0]["model"], found[0]["is_own"], found[0]["base_model"]) == (
        "ft:gpt-4o:acme::1",
        True,
        "gpt-4o",
    )
    assert [model["model"] for model in found if model["is_own"]] == ["ft:gpt-4o:acme::1"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"list": "everything"}, "`list` is used or catalogue."),
        ({"list": "catalogue", "from": "2026-01-01"}, "There is no parameter “from” here."),
        ({"q": "gpt"}, "There is no parameter “q” here."),
        ({"list": "catalogue", "can": "fly"}, "`can` takes audio, batch,"),
        ({"list": "catalogue", "limit": "0"}, "`limit` is a whole number from 1 to 200."),
        ({"list": "catalogue", "limit": "²"}, "`limit` is a whole number from 1 to 200."),
        ({"list": "catalogue", "offset": "-1"}, "`offset` is a whole number from 0 to"),
        ({"list": "catalogue", "used": "maybe"}, "`used` is true or false."),
    ],
)
def test_question_that_cannot_be_is_refused_in_a_sentence(
    client: httpx.Client, query: dict[str, str], said: str
) -> None:
    answer = client.get("/v1/models", params=query)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(said)


def test_odd_words_find_nothing(client: httpx.Client) -> None:
    assert search(client, q="\0'; drop table zzzzqqqq --" + "x" * 2_000)["models"] == []
    assert search(client, q="gpt", provider="nobody")["total"] == 0
    assert search(client, offset="1000000")["models"] == []
