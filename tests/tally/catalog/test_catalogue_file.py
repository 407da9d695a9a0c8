"""The catalogue as `python -m docs.catalogue` builds it from both lists, and the file in the tree."""

import gzip
import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from genai_prices import types

from docs.catalogue import build, render
from docs.litellm_list import LIST, read_wheel
from tally.catalog.entries import FILE, LISTS, Entry, PriceSince, find_entry, load_catalogue, read
from tally.catalog.models import canonical_model

DAY = date(2026, 11, 30)
VERSIONS = {"genai-prices": "1.0", "litellm": "2.0"}


def wheel_of(folder: Path, models: Mapping[str, Any]) -> Path:
    """A wheel that has a list."""
    wheel = folder / "litellm-2.0-py3-none-any.whl"
    with ZipFile(wheel, "w") as opened:
        opened.writestr(LIST, json.dumps({"sample_spec": {"mode": "one of"}, **models}))
    return wheel


def chat(**facts: Any) -> dict[str, Any]:
    """A model of LiteLLM's list."""
    return {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2.5e-06, **facts}


def listed(*models: types.ModelInfo, provider: str = "openai") -> list[types.Provider]:
    """The list of genai-prices with one provider."""
    return [types.Provider(id=provider, name=provider, api_pattern="", models=list(models))]


def model(model_id: str, prices: Any, **facts: Any) -> types.ModelInfo:
    """A model of that list."""
    return types.ModelInfo(id=model_id, match=types.ClauseEquals(model_id), prices=prices, **facts)


def take(
    folder: Path, models: Mapping[str, Any], providers: list[types.Provider] | None = None
) -> dict[tuple[str, str], Entry]:
    """The entries that are read from the file that is built from both lists."""
    file = render(build(read_wheel(wheel_of(folder, models)), providers or [], DAY), VERSIONS, DAY)
    return {entry.key: entry for entry in read(gzip.decompress(file).decode()).entries}


def test_facts_of_a_model_are_taken_from_the_wheel(tmp_path: Path) -> None:
    found = take(
        tmp_path,
        {
            "gpt-5": chat(
                max_input_tokens=400_000,
                max_output_tokens=128_000,
                supports_function_calling=True,
                supports_vision=True,
                supports_reasoning=False,
                output_cost_per_token=1e-05,
                cache_read_input_token_cost=1.25e-07,
                input_cost_per_token_batches=1.25e-06,
                input_cost_per_token_above_272k_tokens=5e-06,
                deprecation_date="2027-01-14",
                successor_model="openai/gpt-6",
                prompt_cache_min_tokens=1024,
                source="https://example.org/prices",
            )
        },
    )["openai", "gpt-5"]
    assert found == Entry(
        provider="openai",
        model="gpt-5",
        takes=("image", "text"),
        gives=("text",),
        context=400_000,
        answer=128_000,
        can=frozenset({"tools", "images", "batch"}),
        prices={
            "litellm": {
                "standard": {"input": Decimal("2.5"), "cached": Decimal("0.125"), "output": Decimal(10)},
                "batch": {"input": Decimal("1.25")},
                "above_272000": {"input": Decimal(5)},
            }
        },
        retires=date(2027, 1, 14),
        successor="gpt-6",
        min_cache_tokens=1024,
        has_open_weights=False,
        source="https://example.org/prices",
    )


def test_routes_and_versions_are_names_of_one_model_priced_by_the_plainest(tmp_path: Path) -> None:
    found = take(
        tmp_path,
        {
            "gpt-5-2025-08-07": chat(input_cost_per_token=3e-06),
            "openai/gpt-5": chat(input_cost_per_token=4e-06),
            "gpt-5": chat(),
            "low/1024-x-1024/gpt-5": chat(input_cost_per_token=9e-06),
        },
    )
    assert list(found) == [("openai", "gpt-5")]
    entry = found["openai", "gpt-5"]
    assert entry.names == ("gpt-5-2025-08-07", "openai/gpt-5")
    assert entry.find_prices(DAY) == {"input": Decimal("2.5")}


def test_price_of_fine_tuned_models_is_a_tier_of_their_base(tmp_path: Path) -> None:
    models = {"gpt-5": chat(), "ft:gpt-5-2025-08-07": chat(input_cost_per_token=3.75e-06)}
    tuned = model("ft:gpt-5", types.ModelPrice(input_mtok=Decimal(4)))
    entries = take(tmp_path, models, listed(tuned))
    assert list(entries) == [("openai", "gpt-5")]
    assert {name: tiers["tuned"] for name, tiers in entries["openai", "gpt-5"].prices.items()} == {
        "genai-prices": {"input": Decimal(4)},
        "litellm": {"input": Decimal("3.75")},
    }


def test_lists_that_disagree_are_both_kept(tmp_path: Path) -> None:
    ours = model("gpt-5", types.ModelPrice(input_mtok=Decimal(2), output_mtok=Decimal(10)), name="GPT 5")
    entry = take(tmp_path, {"gpt-5": chat(output_cost_per_token=1e-05)}, listed(ours))["openai", "gpt-5"]
    assert entry.title == "GPT 5"
    assert [(each.price_class, each.by_list) for each in entry.list_differences()] == [
        ("input", {"genai-prices": Decimal(2), "litellm": Decimal("2.5")})
    ]
    assert entry.find_prices(DAY)["input"] == Decimal(2)


def test_dated_prices_are_the_course_of_a_model(tmp_path: Path) -> None:
    def since(day: date | None, usd: int) -> types.ConditionalPrice:
        constraint = None if day is None else types.StartDateConstraint(day)
        return types.ConditionalPrice(constraint=constraint, prices=types.ModelPrice(input_mtok=Decimal(usd)))

    dated = [since(None, 3), since(date(2026, 1, 1), 2), since(date(2027, 1, 1), 1)]
    entry = take(tmp_path, {}, listed(model("gpt-5", dated)))["openai", "gpt-5"]
    assert entry.history == (
        PriceSince(None, {"input": Decimal(3)}),
        PriceSince(date(2026, 1, 1), {"input": Decimal(2)}),
        PriceSince(date(2027, 1, 1), {"input": Decimal(1)}),
    )
    assert [entry.find_prices(day)["input"] for day in (date(2025, 12, 31), DAY, date(2027, 1, 1))] == [
        3,
        2,
        1,
    ]


def test_long_contexts_and_batch_are_tiers_of_genai_prices_too(tmp_path: Path) -> None:
    tiered = types.TieredPrices(Decimal(3), [types.Tier(200_000, Decimal(6))])
    batch = types.PriceVariant(when={"processing": "batch"}, prices=types.ModelPrice(input_mtok=Decimal(1)))
    prices = types.ModelPrice(input_mtok=tiered)
    entry = take(tmp_path, {}, listed(model("gpt-5", prices, price_variants=[batch])))["openai", "gpt-5"]
    assert entry.prices["genai-prices"] == {
        "standard": {"input": Decimal(3)},
        "above_200000": {"input": Decimal(6)},
        "batch": {"input": Decimal(1)},
    }
    assert entry.can == {"batch"}


def test_prices_of_other_units_stay_exact_and_their_tokens_are_not_free(tmp_path: Path) -> None:
    image = chat(mode="image_generation", input_cost_per_token=0, output_cost_per_image=0.04)
    entry = take(tmp_path, {"dall-e-3": image})["openai", "dall-e-3"]
    assert (entry.mode, entry.gives) == ("image_generation", ("image",))
    assert entry.find_prices(DAY) == {"image": Decimal("0.04")}


def test_providers_that_tally_does_not_know_keep_the_name_of_the_list(tmp_path: Path) -> None:
    models = {
        "deepinfra/meta-llama/Llama-3.3-70B-Instruct": chat(litellm_provider="deepinfra"),
        "bedrock/eu-central-1/anthropic.claude-v2:1": chat(litellm_provider="bedrock"),
    }
    assert sorted(provider for provider, _ in take(tmp_path, models)) == ["aws-bedrock", "deepinfra"]


def test_same_lists_give_the_same_file(tmp_path: Path) -> None:
    names = ["gpt-5", "gpt-4o", "openai/gpt-5", "o3"]
    files = []
    for order in (names, names[::-1]):
        wheel = wheel_of(tmp_path, {name: chat() for name in order})
        files.append(render(build(read_wheel(wheel), [], DAY), VERSIONS, DAY))
    assert files[0] == files[1]


@pytest.mark.parametrize("field", ["input_cost_per_token", "max_input_tokens", "deprecation_date"])
@pytest.mark.parametrize("value", [None, "soon", True, [], -1, float("nan"), float("inf")])
def test_facts_that_cannot_be_read_are_unknown(tmp_path: Path, field: str, value: Any) -> None:
    entry = take(tmp_path, {"gpt-5": chat(**{field: value})})["openai", "gpt-5"]
    assert entry.context is None
    assert entry.retires is None
    assert entry.find_prices(DAY).get("input") in (None, Decimal("2.5"))


def test_file_in_the_tree_is_well_formed() -> None:
    catalogue = load_catalogue()
    keys = [entry.key for entry in catalogue.entries]
    assert keys == sorted(set(keys))
    assert len(keys) > 4_000
    assert [name for name, _ in catalogue.lists] == sorted(LISTS)
    faults = [
        (entry.key, tier, str(usd))
        for entry in catalogue.entries
        for tiers in entry.prices.values()
        for tier, prices in tiers.items()
        for usd in prices.values()
        if not usd.is_finite() or usd < 0
    ]
    faults += [(entry.key, "name", entry.model) for entry in catalogue.entries if not entry.model.strip()]
    faults += [
        (entry.key, "history", str(each.prices))
        for entry in catalogue.entries
        for each in entry.history[1:]
        if each.day is None
    ]
    assert faults == []
    assert FILE.stat().st_size < 500_000


def test_every_entry_has_the_name_that_records_have() -> None:
    renamed = [entry.key for entry in load_catalogue().entries if canonical_model(entry.model) != entry.model]
    assert len(renamed) <= len(load_catalogue().entries) // 100, renamed


def test_a_known_model_is_found_by_the_name_of_records() -> None:
    entry = find_entry("anthropic", canonical_model("claude-sonnet-4-5-20250929"))
    assert entry is not None
    assert entry.find_prices(DAY)["output"] == Decimal(15)
    assert {"tools", "batch", "prompt_cache"} <= entry.can
    assert find_entry("anthropic", "claude-of-nobody") is None
