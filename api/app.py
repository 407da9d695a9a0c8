"""The API with its parts."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version

from api import addresses
from api.answers import JSON, NDJSON
from api.callers import Callers
from api.contents import ContentRules
from api.database import Pool
from api.experiments import Experiments
from api.intake import Intake
from api.langfuse import Langfuse
from api.litellm import LiteLlm
from api.mcp_endpoint import McpEndpoint
from api.openapi import send_description
from api.otlp import MEDIA_TYPES, Otlp
from api.prometheus import Prometheus
from api.prompts import Prompts
from api.rate_limits import RateLimits
from api.reading import Reading
from api.records import Records
from api.service import Api, Endpoint, Workers
from api.settings import ApiSettings, load_api_settings
from tally.api_keys.verification import Verifier

READ = ("GET", "HEAD")
SEND = ("POST", "PUT")  # OpenRouter puts
# Together fewer than the connections, so that a key can be verified while all of them are busy.
SAVERS, READERS, GIVERS = 4, 2, 1  # givers give prompts: a long read may not keep these waiting


class Parts:
    """The parts that endpoints share: connections, threads, limits."""

    def __init__(self, settings: ApiSettings) -> None:
        self.pool = Pool(settings.database)
        self.workers, self.savers, self.readers = Workers(4), Workers(SAVERS), Workers(READERS)
        self.limits = RateLimits(
            settings.redis, connect=self.pool.connection if settings.counts_in_database else None
        )
        self.callers = Callers(Verifier(self.pool.connection), self.limits)
        self.intake = Intake(self.pool, self.workers, self.savers, self.limits)
        self.reading = Reading(self.pool, self.readers)
        self.experiments = Experiments(self.pool, self.savers)
        self.prompts = Prompts(self.pool, Workers(GIVERS))
        self.mcp = McpEndpoint(self.reading, self.workers, version("tally"))

    def endpoints(self) -> Mapping[str, Endpoint]:
        """The endpoint of each address."""
        otlp, reading = Otlp(self.intake, ContentRules(self.pool)), self.reading
        return {
            addresses.TRACES: Endpoint(otlp.traces, "ingest", SEND, MEDIA_TYPES),
            addresses.LOGS: Endpoint(otlp.logs, "ingest", SEND, MEDIA_TYPES),
            addresses.METRICS: Endpoint(otlp.metrics, "ingest", SEND, MEDIA_TYPES),
            addresses.LANGFUSE_TRACES: Endpoint(otlp.traces, "ingest", SEND, MEDIA_TYPES),
            addresses.LANGFUSE_BATCH: Endpoint(Langfuse(self.intake).take, "ingest", ("POST",), (JSON,)),
            addresses.LITELLM: Endpoint(LiteLlm(self.intake).take, "ingest", SEND, (JSON, NDJSON)),
            addresses.RECORDS: Endpoint(Records(self.intake).take, "ingest", SEND, (JSON,)),
            addresses.COSTS: Endpoint(reading.costs, "read", READ),
            addresses.BUDGET: Endpoint(reading.budget, "read", READ),
            addresses.MODELS: Endpoint(reading.models, "read", READ),
            addresses.ADVICE: Endpoint(reading.advice, "read", READ),
            addresses.PROMETHEUS: Endpoint(Prometheus(self.pool, self.readers).answer, "read", READ),
            addresses.PROMPTS: Endpoint(
                self.prompts.list,
                "prompts",
                READ,
                other=Endpoint(self.prompts.push, "push", ("POST",), (JSON,)),
            ),
            addresses.PROMPT: Endpoint(self.prompts.give, "prompts", READ),
            addresses.EXPERIMENT_RUNS: Endpoint(self.experiments.take_runs, "ingest", ("POST",), (JSON,)),
            addresses.EXPERIMENT_SCORES: Endpoint(self.experiments.take_scores, "ingest", ("POST",), (JSON,)),
            addresses.OPENAPI: Endpoint(send_description, None, READ),
            addresses.MCP: Endpoint(self.mcp.handle, "read", ("POST",), (JSON,)),
        }

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Connect, and close the connections in the end."""
        self.pool.open()
        try:
            async with self.mcp.running():
                yield
        finally:
            await self.intake.stop()
            await self.workers.run(self.pool.close)


def create_api(settings: ApiSettings | None = None) -> Api:
    """The API; raises TallyError for settings that cannot be meant."""
    return assemble(Parts(settings) if settings else load_parts())


def load_parts() -> Parts:
    """The parts by the settings of this process; raises TallyError for those that cannot be meant."""
    return Parts(load_api_settings())


def assemble(parts: Parts) -> Api:
    """The API with these parts."""
    return Api(parts.endpoints(), parts.callers, parts.workers, parts.lifespan)
