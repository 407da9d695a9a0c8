"""Addresses of the API, compared as whole paths: every other path stays with the dashboard.

One with a name in braces is every path that begins and ends like it, with something between.
"""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet

TRACES, LOGS, METRICS = "/v1/traces", "/v1/logs", "/v1/metrics"
LANGFUSE_TRACES, LANGFUSE_BATCH = "/api/public/otel/v1/traces", "/api/public/ingestion"
LITELLM, RECORDS = "/v1/litellm", "/v1/records"
COSTS, BUDGET, MODELS = "/v1/costs", "/v1/budget", "/v1/models"
ADVICE = "/v1/advice"
OPENAPI = "/v1/openapi.json"
MCP = "/mcp"
PROMETHEUS = "/metrics"
PROMPTS, PROMPT = "/v1/prompts", "/v1/prompts/{name}"
EXPERIMENT_RUNS, EXPERIMENT_SCORES = "/v1/experiments/{name}/runs", "/v1/experiments/{name}/scores"


class Addresses(AbstractSet[str]):
    """A set of addresses, in which the path of a request is if one of them answers it."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self._whole = frozenset(addresses)
        self._around = {
            address: (address.partition("{")[0], address.partition("}")[2])
            for address in self._whole
            if "{" in address
        }

    def find(self, path: object) -> str | None:
        """The address of a path."""
        if path in self._whole or not isinstance(path, str):
            return path if isinstance(path, str) else None
        found = (
            address
            for address, (above, below) in self._around.items()
            if path.startswith(above) and path.endswith(below) and len(path) > len(above) + len(below)
        )
        return next(found, None)

    def __contains__(self, path: object) -> bool:
        return self.find(path) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole)

    def __len__(self) -> int:
        return len(self._whole)
