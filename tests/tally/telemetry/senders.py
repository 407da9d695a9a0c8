"""People with keys, and what their programs send."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tally.api_keys.key_text import hash_key, make_key_text
from tally.api_keys.verification import Grant
from tally.telemetry.calls import Call
from tally.telemetry.save import Outcome, Sent, save_telemetry
from tally.telemetry.vocabularies import read_calls
from tally.telemetry.vocabularies.langfuse_batch import read_batch
from tally.telemetry.vocabularies.litellm_payload import read_payloads
from tests.database_fixtures import Connection
from tests.tally.telemetry.captures import Request

RECORDS = """
    select p.name, r.model_name, r.input_tokens, r.output_tokens, r.cached_input_tokens, r.cache_write_tokens,
        r.reasoning_tokens, r.cost_usd, r.metadata ->> 'agent' as agent, r.metadata ->> 'tool' as tool,
        r.metadata ->> 'task' as task
    from public.cost_records as r inner join public.providers as p on r.provider_id = p.id
    where r.workspace_id = %s order by r.timestamp, 1, 2, 3, 4, 5"""


@dataclass(frozen=True, slots=True)
class Sender:
    """A program with a key; `connection` is that of the process that answers programs."""

    connection: Connection
    database: Connection
    grant: Grant

    def save(self, *sent: Sent) -> list[Outcome]:
        """Save requests at once; none is refused."""
        outcomes = save_telemetry(self.connection, sent)
        for outcome in outcomes:
            assert outcome.error is None
        return outcomes

    def send(self, *requests: Request) -> None:
        """Save requests at once, nothing of which is refused."""
        assert not any(outcome.rejected for outcome in self.save(*map(self.read, requests)))

    def tell(self, *calls: Call, **of_request: Any) -> None:
        """Save calls."""
        self.save(Sent(self.grant, calls, **of_request))

    def read(self, request: Request) -> Sent:
        """What a request tells."""
        if request.signal == "ingestion":
            batch = read_batch(request.body)
            return Sent(self.grant, batch.calls, parents=batch.parents, steps=batch.steps)
        if request.signal == "_generic":
            return Sent(self.grant, read_payloads(request.body).calls)
        decoded = request.decode()
        return Sent(self.grant, read_calls(decoded).calls, decoded.spans)

    def records(self) -> list[tuple[Any, ...]]:
        """The records of the workspace."""
        return self.database.execute(RECORDS, [self.grant.workspace_id]).fetchall()


def add_key(database: Connection, user: UUID, workspace: UUID | None = None, name: str = "laptop") -> Grant:
    """A key of a user, as it is verified."""
    key = make_key_text()
    [[key_id]] = database.execute(
        """insert into public.api_keys (workspace_id, user_id, name, prefix, last_four, key_hash, scopes)
        values (%s, %s, %s, %s, %s, %s, '{ingest}') returning id""",
        [workspace or user, user, name, key[:8], key[-4:], hash_key(key)],
    ).fetchall()
    return Grant(key_id, user, workspace or user, None, name, frozenset({"ingest"}), None, None)
