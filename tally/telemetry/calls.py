"""Calls of models, as instruments describe them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from tally.core.records import identity

CallStatus = Literal["ok", "error", "timeout", "rate_limited"]


class CallRefused(Exception):
    """A statement about a call that cannot be counted; the text is the reason."""


@dataclass(slots=True)  # frozen ones take three times as long to make
class Call:
    """One instrument's statement about one call; input includes cached tokens, output includes reasoning."""

    timestamp: datetime
    provider: str  # slug of the provider that is paid
    model: str  # as the instrument spells it
    request_ids: tuple[str, ...] = ()  # the provider's, the canonical one first; empty where it tells none
    duration_ms: int | None = None
    first_token_ms: int | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0
    has_usage: bool = False
    has_cache_detail: bool = False  # false where cached tokens may be within the input, unnamed
    has_all_classes: bool = False  # also those that a price depends on: for how long writes are kept
    reported_usd: Decimal | None = None
    detail: int = 0  # attributes: of two statements about a call, the one that tells more counts
    status: CallStatus = "ok"
    error_code: str = ""
    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str = ""
    agent: str = ""
    task: str = ""
    of_program: tuple[str, ...] = ()  # of these two, those that its program tells of all its calls
    session: str = ""
    channel: str = ""  # the agent whose sessions count by one channel, because its calls have no ids
    is_sum: bool = False  # of several calls of its session, which counts where none of them is told
    service: str = ""
    person: str = ""
    project: str = ""
    end_user: str = ""
    operation: str = ""  # chat, embeddings
    tool: str = ""
    branch: str = ""
    repository: str = ""
    environment: str = ""
    container: str = ""
    prompt_name: str = ""
    prompt_version: str = ""
    region: str = ""
    service_tier: str = ""  # a condition of the price, as the provider names it
    speed: str = ""
    plan: str = ""  # slug of the subscription that the agent is signed in with
    key_name: str = ""  # of a gateway's key
    tags: Mapping[str, str] = field(default_factory=dict)
    is_cache_hit: bool = False  # a gateway answered from its cache; the tokens are those that it saved
    saved_usd: Decimal | None = None  # as the gateway tells it

    @property
    def tokens(self) -> int:
        """All tokens, in and out."""
        return self.input_tokens + self.output_tokens


def trace_of_session(agent: str, session: str) -> str:
    """The id under which the sums of an agent's session are kept, as those of a trace."""
    return identity("session", agent, session).hex
