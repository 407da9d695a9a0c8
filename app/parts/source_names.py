"""What sources, accounts and datasets are called on a page."""

from collections.abc import Mapping
from typing import Any

from tally.agents.registry import AGENTS
from tally.connectors.connections import APIS
from tally.importers import (
    IMPORTERS,
)
from tally.ledger.reconcile import REQUESTS
from tally.spend import sample_data


def shown_name(name: str) -> str:
    """A file name without control characters and without those that reverse the text after them."""
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    return printable.strip() or "upload.csv"


def short_title(title: str) -> str:
    """An importer's title without what stands in brackets."""
    return title.split(" (")[0]


FORMATS = (
    {importer.name: short_title(importer.title) for importer in IMPORTERS}
    | {agent.name: agent.title for agent in AGENTS}
    | {f"{api.provider}-api": f"{api.title} API" for api in APIS.values()}
    | {sample_data.FORMAT: "Sample data"}
)
DATASETS = {REQUESTS: "Single requests"} | {
    dataset.name: f"{api.title} API, {dataset.title}" for api in APIS.values() for dataset in api.datasets
}
BY_NOBODY = "Added by hand"


def describe_what(source: Mapping[str, Any]) -> str:
    """What a source is: the tool, the provider's API or the format of the file."""
    return FORMATS.get(source["format"], str(source["format"]))


def describe_source(source: Mapping[str, Any]) -> str:
    """A source in a few words, such as `Claude Code on laptop`."""
    if source["format"] is None:
        return BY_NOBODY
    name = shown_name(source["filename"])
    if source["kind"] == "machine":
        return f"{describe_what(source)} on {name}"
    return name


def describe_dataset(dataset: str) -> str:
    """What kind of statement it is; a file's is named as its format."""
    return DATASETS.get(dataset) or FORMATS.get(dataset, dataset)


def describe_ledger(ledger: str, providers: Mapping[str, str]) -> str:
    """The account by its provider's name; `providers` is slug -> name."""
    provider, _, account = ledger.partition(":")
    name = providers.get(provider, provider)
    return f"{name}, {account}" if account else name
