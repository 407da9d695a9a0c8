"""`/api/public/ingestion`: the batches of Langfuse's SDKs before OpenTelemetry."""

from starlette.responses import JSONResponse, Response

from api.answers import NO_STORE
from api.intake import Brought, Intake
from api.service import Call
from tally.telemetry.vocabularies.langfuse_batch import Ingested, read_batch

TAKEN, REFUSED = 201, 400


class Langfuse:
    """The endpoint of batches."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def take(self, call: Call) -> Response:
        """Save a batch of events, and say of each what became of it."""
        read: list[Ingested] = []

        def read_body() -> Brought:
            read.append(read_batch(call.body))
            return Brought(read[0].calls, parents=read[0].parents, steps=read[0].steps)

        brought = await self._intake.take(call.grant, read_body)
        answer = {
            "successes": [{"id": event, "status": TAKEN} for event in read[0].accepted],
            "errors": [
                {"id": event, "status": REFUSED, "message": sentence, "error": sentence}
                for event, sentence in [*read[0].refused, *(("", sentence) for sentence in brought.rejected)]
            ],
        }
        return JSONResponse(answer, 207, NO_STORE)
