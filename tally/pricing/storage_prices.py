"""List prices of what no list of models has: vector stores by the day, and training.

They are OpenAI's, of its page "Pricing" (developers.openai.com/api/docs/pricing): file search storage costs
$0.10 per GB and day with 1 GB free, where "GB refers to binary gigabytes of storage"; fine-tuning is paid by
the trained token, reinforcement fine-tuning by the hour. Files have no price.
"""

import re
from collections.abc import Mapping
from decimal import Decimal

from tally.catalog.models import canonical_model
from tally.core.amounts import round_amount

GIB = 2**30
VECTOR_STORE_USD_PER_GIB_DAY = Decimal("0.10")
FREE_BYTES = GIB  # of an organization
TRAINING_USD_PER_MTOK: Mapping[str, Decimal] = {
    "gpt-4.1": Decimal("25"),
    "gpt-4.1-mini": Decimal("5"),
    "gpt-4.1-nano": Decimal("1.50"),
    "gpt-4o": Decimal("25"),
    "gpt-4o-mini": Decimal("3"),
    "gpt-3.5-turbo": Decimal("8"),
    "davinci-002": Decimal("6"),
    "babbage-002": Decimal("0.40"),
}


def price_vector_stores(stored_bytes: int) -> Decimal:
    """Dollars a day for the vector stores of an organization at OpenAI, at the list price."""
    return VECTOR_STORE_USD_PER_GIB_DAY * max(stored_bytes - FREE_BYTES, 0) / GIB


def price_training(base_model: str, trained_tokens: int) -> Decimal | None:
    """Dollars of training at OpenAI; None for a base without a price. It may be a fine-tuned model itself."""
    name = base_model.split(":")[1] if base_model.startswith("ft:") else base_model
    usd = TRAINING_USD_PER_MTOK.get(re.sub(r"-\d{4}$", "", canonical_model(name)))
    return None if usd is None else round_amount(usd * trained_tokens / 1_000_000)
