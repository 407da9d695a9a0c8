"""Display names of sources, billing accounts and datasets."""

from collections.abc import Mapping
from typing import Any

from tally.agents.registry import AGENTS
from tally.connectors.connections import APIS
from tally.core.records import REQUESTS
from tally.core.text import printable
from tally.importers import IMPORTERS
from tally.spend import sample_data


def shown_name(name: str) -> str:
    """A file name without control characters, including those that reverse the text after them."""
    return printable(name).strip() or "upload.csv"


def short_title(title: str) -> str:
    """An importer's title without its part in brackets."""
    return title.split(" (")[0]


TELEMETRY = "telemetry"  # format of services that are no known coding agent
FORMATS = (
    {importer.name: short_title(importer.title) for importer in IMPORTERS}
    | {agent.name: agent.title for agent in AGENTS}
    | {f"{api.provider}-api": f"{api.title} API" for api in APIS.values()}
    | {sample_data.FORMAT: "Sample data", TELEMETRY: "Telemetry"}
)
DATASETS = {REQUESTS: "Single requests"} | {
    dataset.name: f"{api.title} API, {dataset.title}" for api in APIS.values() for dataset in api.datasets
}
MANUAL = "Manual entries"


def describe_format(source: Mapping[str, Any]) -> str:
    """The tool, the provider's API, or the file format of a source."""
    return FORMATS.get(source["format"], str(source["format"]))


def describe_source(source: Mapping[str, Any]) -> str:
    """A short name of a source, such as `Claude Code on laptop` or `checkout (key production)`."""
    if source["format"] is None:
        return MANUAL
    name = shown_name(source["filename"])
    if source["kind"] == "machine":
        return f"{describe_format(source)} on {name}"
    if source["kind"] == "key" and source.get("key_name"):
        return f"{name} (key {shown_name(source['key_name'])})"
    return name


def describe_dataset(dataset: str) -> str:
    """The kind of a statement; a file's is its format."""
    return DATASETS.get(dataset) or FORMATS.get(dataset, dataset)


def describe_billing_account(
    billing_account: str, providers: Mapping[str, str], given: Mapping[str, str] | None = None
) -> str:
    """A billing account by its given name, or that of its provider; `providers` is slug -> name."""
    if given and billing_account in given:
        return given[billing_account]
    provider, _, account = billing_account.partition(":")
    name = providers.get(provider, provider)
    return f"{name}, {account.removeprefix('@')}" if account else name
