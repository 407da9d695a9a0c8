"""`/v1/records`: Tally's own JSON, for programs without OpenTelemetry. One fault refuses the request."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from starlette.responses import JSONResponse, Response

from api.answers import NO_STORE, Refusal
from api.intake import Brought, Intake
from api.service import Call
from tally.catalog.providers import find_provider
from tally.core.encoding import MAX_COUNT
from tally.core.records import MAX_COST_USD, MAX_MODEL_NAME, MAX_REQUEST_ID
from tally.core.text import visible
from tally.telemetry import calls
from tally.telemetry.signals import MIN_TIME
from tally.telemetry.vocabularies.told import read_name_of

MAX_RECORDS = 5_000
SHOWN = 20  # faults of an answer


def check_text(text: str) -> str:
    """The text without what nobody sees, if PostgreSQL can store it."""
    if "\x00" in text:
        raise ValueError("has a NUL character, which cannot be stored")
    return visible(text)


def check_name(text: str) -> str:
    """The text, if anything in it can be seen."""
    if not text.strip():
        raise ValueError("is blank")
    return text


def check_id(digits: str) -> str:
    """The id of a trace or a span, if it is one."""
    if not digits.strip("0"):
        raise ValueError("is all zeros, which stands for none: leave it out")
    return digits


Count = Annotated[int, Field(ge=0, le=MAX_COUNT, strict=True)]
STORABLE, NAMED, OF_TRACE = AfterValidator(check_text), AfterValidator(check_name), AfterValidator(check_id)
Text = Annotated[str, Field(max_length=200), STORABLE]
Id = Annotated[str, Field(min_length=1, max_length=MAX_REQUEST_ID), STORABLE, NAMED]
Model = Annotated[str, Field(min_length=1, max_length=MAX_MODEL_NAME), STORABLE, NAMED]
TraceId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$"), OF_TRACE]
SpanId = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$"), OF_TRACE]


class SentRecord(BaseModel):
    """One call of a model."""

    model_config = ConfigDict(extra="forbid", title="Record")

    id: Id = Field(
        description="The provider's id of the response, such as msg_… or chatcmpl-…, so that a call counts "
        "once however many programs report it. Without one, an id of your own that no other call has."
    )
    timestamp: AwareDatetime = Field(description="The time of the call, with its offset from UTC.")
    provider: str = Field(
        min_length=1, max_length=100, description="Who is paid, such as openai or anthropic."
    )
    model: Model
    input_tokens: Count = Field(0, description="All of the input, cached tokens included.")
    output_tokens: Count = Field(0, description="All of the output, reasoning included.")
    cached_input_tokens: Count = Field(0, description="The part of the input that was read from a cache.")
    cache_write_tokens: Count = Field(0, description="The part of the input that was written to a cache.")
    cache_write_1h_tokens: Count = Field(
        0, description="The part of cache_write_tokens that is kept for an hour."
    )
    reasoning_tokens: Count = Field(0, description="The part of the output that is reasoning.")
    cost_usd: Annotated[Decimal, Field(ge=0, lt=MAX_COST_USD)] | None = Field(
        None, description="The cost as reported by a gateway. It counts where no list price is known."
    )
    duration_ms: Count | None = None
    first_token_ms: Count | None = None
    status: Literal["ok", "error", "timeout", "rate_limited"] = "ok"
    error_code: Text = ""
    trace_id: TraceId | None = None
    span_id: SpanId | None = None
    parent_span_id: SpanId | None = None
    session: Text = ""
    agent: Text = ""
    task: Text = Field("", description="The kind of work, such as summarize or TICKET-12.")
    tool: Text = Field("", description="The tool that made the call.")
    service: Text = ""
    person: Text = ""
    project: Text = ""
    end_user: Text = Field("", description="The customer that the call was for.")
    environment: Text = ""
    container: Text = ""
    repository: Text = Field("", description="owner/name; of an address, only these are kept")
    branch: Text = ""
    prompt_name: Text = Field(
        "", description="The name of the prompt, which the page Prompts compares by version."
    )
    prompt_version: Text = Field("", description="Its version: a number, a name or the hash of its text.")
    tags: dict[Annotated[str, Field(max_length=100), STORABLE], Text] = Field(
        default_factory=dict, max_length=20
    )

    @field_validator("provider")
    @classmethod
    def check_provider(cls, name: str) -> str:
        """The slug of a provider that Tally knows."""
        found = find_provider(name)
        if found is None:
            raise ValueError("no provider that Tally knows; for one of your own, send `other`")
        return found

    @field_validator("repository")
    @classmethod
    def name_repository(cls, name: str) -> str:
        """The name of a repository without its address, which may have a password in it."""
        return read_name_of("repository", name)

    @model_validator(mode="after")
    def check_parts(self) -> "SentRecord":
        """Parts are not more than their wholes."""
        if self.cached_input_tokens + self.cache_write_tokens > self.input_tokens:
            raise ValueError("input_tokens includes cached and written tokens, and is less than these")
        if self.cache_write_1h_tokens > self.cache_write_tokens:
            raise ValueError("cache_write_1h_tokens is a part of cache_write_tokens, and is more")
        if self.reasoning_tokens > self.output_tokens:
            raise ValueError("reasoning_tokens is a part of output_tokens, and is more")
        return self

    def to_call(self) -> calls.Call:
        """The same as an instrument's statement."""
        given = self.model_dump(
            exclude={"id", "timestamp", "cost_usd", "trace_id", "span_id", "parent_span_id"}
        )
        return calls.Call(
            timestamp=self.timestamp.astimezone(UTC),
            request_ids=(self.id,),
            reported_usd=self.cost_usd,
            trace_id=self.trace_id or "",
            span_id=self.span_id or "",
            parent_span_id=self.parent_span_id or "",
            has_usage=bool(self.input_tokens or self.output_tokens),
            has_cache_detail=True,
            has_all_classes=True,
            detail=len(self.model_fields_set),
            **given,
        )


class SentRecords(BaseModel):
    """The body of a request."""

    model_config = ConfigDict(extra="forbid", title="Records")

    records: list[SentRecord] = Field(min_length=1, max_length=MAX_RECORDS)


class Records:
    """The endpoint of records."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def take(self, call: Call) -> Response:
        """Save them all, or say where the faults are and save none."""
        brought = await self._intake.take(call.grant, lambda: Brought(parse(call.body)))
        if brought.rejected:
            raise Refusal(400, " ".join(brought.rejected[:SHOWN]))
        return JSONResponse({"accepted": len(brought.calls)}, headers=NO_STORE)


def parse(body: bytes, now: datetime | None = None) -> list[calls.Call]:
    """The calls of a body; raises Refusal naming the faults."""
    try:
        sent = SentRecords.model_validate_json(body)
    except ValidationError as error:
        raise Refusal(
            400, "The records are not as described. None was saved.", details=describe(error)
        ) from None
    latest = (now or datetime.now(UTC)).replace(microsecond=0)
    faults = [
        {"field": f"records.{index}.timestamp", "fault": f"not between {MIN_TIME.year} and a day from now"}
        for index, record in enumerate(sent.records)
        if not (record.timestamp >= MIN_TIME and (record.timestamp - latest).days < 1)
    ]
    if faults:
        raise Refusal(400, "The records are not as described. None was saved.", details=faults[:SHOWN])
    return [record.to_call() for record in sent.records]


def describe(error: ValidationError) -> list[dict[str, Any]]:
    """The place and the reason of each fault, without what was sent."""
    return [
        {
            "field": ".".join(str(part) for part in fault["loc"])[:200] or "(body)",
            "fault": fault["msg"].removeprefix("Value error, "),
        }
        for fault in error.errors(include_url=False, include_context=False, include_input=False)[:SHOWN]
    ]
