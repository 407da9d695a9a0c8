"""What Tally makes of the calls that clients made."""

from decimal import Decimal
from typing import NamedTuple

from tests.database_fixtures import Connection

SAVED = b"""select
    p.name, r.model_name, r.input_tokens, r.output_tokens, r.cached_input_tokens, r.cache_write_tokens,
    r.cost_usd
from public.cost_records as r inner join public.providers as p on r.provider_id = p.id"""


class Counted(NamedTuple):
    """A call as a record, with its cost at list prices."""

    provider: str
    model: str
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    cost_usd: Decimal


CHAT = Counted("openai", "gpt-4o", 1_200, 50, 1_000, 0, Decimal("0.00225"))
RESPONSE = CHAT._replace(model="gpt-5", cost_usd=Decimal("0.000875"))
MESSAGE = Counted("anthropic", "claude-sonnet-4-5", 15_912, 340, 15_000, 900, Decimal("0.013686"))
# By clients that do not tell that 300 of the 900 written tokens are kept for an hour.
UNDATED_MESSAGE = MESSAGE._replace(cost_usd=Decimal("0.013011"))
GEMINI = Counted("google", "gemini-2.5-pro", 1_500, 120, 500, 0, Decimal("0.0025125"))


def load_counted(database: Connection) -> list[Counted]:
    """The records, in an order of their own."""
    return sorted(Counted(*row) for row in database.execute(SAVED).fetchall())
