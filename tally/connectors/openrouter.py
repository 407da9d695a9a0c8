"""OpenRouter's activity: charges of the last 30 complete UTC days, by model and upstream provider."""

from collections.abc import Iterator
from datetime import date

from tally.catalog.models import canonical_model
from tally.connectors.client import ApiClient
from tally.connectors.datasets import Dataset, FetchRequest, ProviderApi, drop_blanks
from tally.connectors.fields import read_amount, read_count, read_day, read_rows, read_text
from tally.connectors.hosts import bearer
from tally.core.encoding import canonical_decimal
from tally.core.records import NO_MODEL, CostRecord, day_instant, identity
from tally.importers.openrouter_activity import DATASET as ACTIVITY
from tally.importers.openrouter_activity import DIMENSIONS

PROVIDER = "openrouter"
ACTIVITY_DAYS = 30


def fetch_activity(client: ApiClient, request: FetchRequest) -> Iterator[CostRecord]:
    """Yield a billed record per day, model and endpoint; cost paid with own upstream keys is metadata."""
    for row in read_rows(client.get("activity").get("data"), "data"):
        day = read_day(row.get("date"))
        if day not in request.window:
            continue
        cost_usd = read_amount(row, "usage")
        found = {name: read_text(row, name) for name in DIMENSIONS}
        model = canonical_model(found["model_permaslug"] or read_text(row, "model")) or NO_MODEL
        named = {name: text for name, text in found.items() if text != model}
        metadata = drop_blanks(named)
        if row.get("byok_usage_inference"):
            metadata["byok_usd"] = canonical_decimal(read_amount(row, "byok_usage_inference"))
        yield CostRecord(
            provider=PROVIDER,
            timestamp=day_instant(day, "UTC"),
            model_name=model,
            cost_usd=cost_usd,
            source_key=identity(ACTIVITY, request.account, day, *found.values()),
            charge_type="usage" if cost_usd >= 0 else "adjustment",
            input_tokens=read_count(row, "prompt_tokens"),
            output_tokens=read_count(row, "completion_tokens"),
            reasoning_tokens=read_count(row, "reasoning_tokens"),
            request_count=read_count(row, "requests"),
            day=day,
            billing_account=request.find_billing_account(PROVIDER),
            dataset=ACTIVITY,
            metadata=metadata,
        )


def load_balance(client: ApiClient) -> str:
    """Return the remaining credits in US dollars."""
    credits = client.get("credits").get("data")
    row = credits if isinstance(credits, dict) else {}
    return canonical_decimal(read_amount(row, "total_credits") - read_amount(row, "total_usage"))


def _check(client: ApiClient, _today: date) -> None:
    client.get("activity")


API = ProviderApi(
    provider=PROVIDER,
    title="OpenRouter",
    key_name="Management key",
    key_advice=(
        "Activity needs a management key, not an API key. Create one on openrouter.ai under Settings, "
        "Management keys."
    ),
    datasets=(
        Dataset(
            ACTIVITY,
            "activity",
            fetch_activity,
            history_days=ACTIVITY_DAYS,
            restated_days=ACTIVITY_DAYS,
            window_days=ACTIVITY_DAYS,
            has_today=False,
            is_rolling=True,
        ),
    ),
    headers=bearer,
    check=_check,
    load_balance=load_balance,
)
