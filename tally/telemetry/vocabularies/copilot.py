"""GitHub Copilot CLI: spans by the conventions; a plan pays, unless the requests go to another server."""

from tally.catalog.hosts import LOCAL
from tally.catalog.payees import find_payee
from tally.telemetry.calls import Call
from tally.telemetry.signals import Span
from tally.telemetry.vocabularies import genai
from tally.telemetry.vocabularies.reading import read_call
from tally.telemetry.vocabularies.told import Told

NAME, VENDOR = "copilot-cli", "github-copilot"
SERVERS = ("githubcopilot.com", "github.com", "ghe.com")


def read_span(span: Span, told: Told) -> Call | None:
    """The call of a chat; the unit of `github.copilot.cost` is unknown."""
    tokens = genai.read_statement(told)
    if tokens is None:
        return None
    call = read_call(span, told, tokens, agent=NAME)
    address = told.text("address")
    if (address and not address.endswith(SERVERS)) or find_payee(call.model) == LOCAL:
        return call
    return read_call(span, told, tokens, agent=NAME, provider=VENDOR, plan=VENDOR)
