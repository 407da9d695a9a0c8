"""Addresses of the API, compared as whole paths: every other path stays with the dashboard.

One that ends with a name in braces is every path below it.
"""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet

TRACES, LOGS, METRICS = "/v1/traces", "/v1/logs", "/v1/metrics"
LANGFUSE_TRACES, LANGFUSE_BATCH = "/api/public/otel/v1/traces", "/api/public/ingestion"
LITELLM, RECORDS = "/v1/litellm", "/v1/records"
COSTS, BUDGET, MODELS = "/v1/costs", "/v1/budget", "/v1/models"
OPENAPI = "/v1/openapi.json"
MCP = "/mcp"
PROMPTS, PROMPT = "/v1/prompts", "/v1/prompts/{name}"


class Addresses(AbstractSet[str]):
    """A set of addresses, in which the path of a request is if one of them answers it."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self._whole = frozenset(addresses)
        self._above = {address.partition("{")[0]: address for address in self._whole if "{" in address}

    def find(self, path: object) -> str | None:
        """The address of a path."""
        if path in self._whole or not isinstance(path, str):
            return path if isinstance(path, str) else None
        found = (
            address for above, address in self._above.items() if path.startswith(above) and path != above
        )
        return next(found, None)

    def __contains__(self, path: object) -> bool:
        return self.find(path) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole)

    def __len__(self) -> int:
        return len(self._whole)
