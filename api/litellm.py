"""`/v1/litellm`: what LiteLLM's callback `generic_api` sends."""

from starlette.responses import JSONResponse, Response

from api.answers import NO_STORE
from api.intake import Brought, Intake
from api.service import Call
from tally.telemetry.vocabularies.litellm_payload import read_payloads

SHOWN = 20


class LiteLlm:
    """The endpoint of LiteLLM's logs."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def take(self, call: Call) -> Response:
        """Save the calls, and say which were refused."""

        def read_body() -> Brought:
            found = read_payloads(call.body)
            return Brought(found.calls, rejected=found.rejected)

        brought = await self._intake.take(call.grant, read_body)
        answer = {"accepted": len(brought.calls), "rejected": list(brought.rejected)[:SHOWN]}
        return JSONResponse(answer, headers=NO_STORE)
