"""Rows of FOCUS from sums of costs. Amounts are US dollars, quantities are tokens."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from functools import lru_cache

from tally.catalog.payees import find_maker
from tally.catalog.providers import PROVIDERS
from tally.core.months import add_months
from tally.core.records import NO_MODEL
from tally.focus.sums import CostSum, day_start
from tally.focus.token_classes import DIGITS, TokenClass, read_context, split_sum
from tally.pricing.custom_prices import CustomPrices

FocusRow = dict[str, Decimal | datetime | str | None]

CURRENCY = "USD"
TOKENS, PLANS = "Tokens", "Plans"
CATEGORIES = {
    "usage": "Usage",
    "subscription": "Purchase",
    "tax": "Tax",
    "credit": "Credit",
    "adjustment": "Adjustment",
}
FREQUENCIES = {"Usage": "Usage-Based", "Purchase": "Recurring"}
# Who sells what Tally lists as a provider of its own.
SELLERS = {
    "azure": "Microsoft",
    "aws-bedrock": "AWS",
    "chatgpt": "OpenAI",
    "claude-desktop": "Anthropic",
    "gemini-app": "Google",
    "github-copilot": "GitHub",
}
NO_API = {"cursor", "local", "midjourney", "other", "windsurf", *SELLERS}


@dataclass(frozen=True, slots=True)
class Names:
    """The workspace, and names by id."""

    workspace_id: str
    workspace: str
    projects: Mapping[str, str]
    accounts: Mapping[str, str]


def make_rows(of: CostSum, names: Names, custom: CustomPrices) -> Iterator[FocusRow]:
    """The rows of a sum, one for each class of its tokens; requests are told with the first."""
    for place, part in enumerate(split_sum(of, custom)):
        with localcontext(prec=DIGITS):
            row = _describe(of, names, part) | _price(of, part)
        row["x_RequestCount"] = Decimal(0 if place else of.requests)
        yield row


def _describe(of: CostSum, names: Names, part: TokenClass) -> FocusRow:
    """All but prices and amounts."""
    category = CATEGORIES[of.charge_type]
    month = of.day.replace(day=1)
    account = of.billing_account or names.workspace_id
    seller, service = name_seller(of.provider, of.service)
    project = None if of.project is None else names.projects.get(of.project, "Other projects")
    return {
        "BillingAccountId": account,
        "BillingAccountName": names.accounts.get(account) or of.billing_account or names.workspace,
        "BillingCurrency": CURRENCY,
        "BillingPeriodStart": day_start(month),
        "BillingPeriodEnd": day_start(add_months(month, 1)),
        "ChargeCategory": category,
        "ChargeClass": None,
        "ChargeDescription": _describe_charge(of, part),
        "ChargeFrequency": FREQUENCIES.get(category, "One-Time"),
        "ChargePeriodStart": day_start(of.day),
        "ChargePeriodEnd": day_start(of.day + timedelta(days=1)),
        "CommitmentDiscountStatus": None,
        "InvoiceId": None,
        "InvoiceIssuerName": seller,
        "ProviderName": seller,
        "PublisherName": _name_publisher(of.model) or seller,
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": service,
        "ServiceSubcategory": "Generative AI",
        "SubAccountId": of.project,
        "SubAccountName": project,
        "Tags": _write_tags(of),
        "x_CostBasis": of.cost_basis,
        "x_InvoiceId": of.details.get("invoice"),
        "x_Model": None if of.model == NO_MODEL else of.model,
        "x_TokenType": part.name,
    }


def _price(of: CostSum, part: TokenClass) -> FocusRow:
    """Amounts, quantities and prices. Usage that a plan covers is worth something, and is not billed."""
    is_included = of.cost_basis == "included"
    billed = Decimal(0) if is_included else part.cost_usd
    category = CATEGORIES[of.charge_type]
    row: FocusRow = {
        "BilledCost": billed,
        "EffectiveCost": Decimal(0) if category == "Purchase" else billed,
        "ListCost": billed,
        "ContractedCost": billed,
        "PricingCurrency": CURRENCY,
        "x_ListWorth": part.cost_usd if is_included and not of.is_unpriced else None,
        "x_PriceStatus": _name_status(of),
        "x_Tokens": Decimal(part.tokens),
        **_name_sku(of, part),
    }
    if part.price is not None:
        row |= _quantify(Decimal(part.tokens), TOKENS, part.price.list_usd, part.price.contracted_usd)
        row |= {"ConsumedQuantity": Decimal(part.tokens), "ConsumedUnit": TOKENS}
    elif category == "Purchase":
        count, price = _divide_purchase(of)
        row |= _quantify(Decimal(count), PLANS, price, price)
    row["PricingCurrencyEffectiveCost"] = row["EffectiveCost"]
    return row


def _quantify(quantity: Decimal, unit: str, list_usd: Decimal, contracted_usd: Decimal) -> FocusRow:
    return {
        "PricingQuantity": quantity,
        "PricingUnit": unit,
        "PricingCategory": "Standard",
        "ListUnitPrice": list_usd,
        "ContractedUnitPrice": contracted_usd,
        "PricingCurrencyListUnitPrice": list_usd,
        "PricingCurrencyContractedUnitPrice": contracted_usd,
        "ListCost": list_usd * quantity,
        "ContractedCost": contracted_usd * quantity,
    }


def _divide_purchase(of: CostSum) -> tuple[int, Decimal]:
    """Number of plans bought, and the price of one; one at the whole price where they differ."""
    price = (of.cost_usd / of.records).quantize(of.cost_usd)
    return (of.records, price) if price * of.records == of.cost_usd else (1, of.cost_usd)


def _name_sku(of: CostSum, part: TokenClass) -> FocusRow:
    """Ids of what is sold. Without a price there is an article, but no id of its price."""
    if of.charge_type == "subscription":
        plan = of.service if of.model == NO_MODEL else of.model
        return {"SkuId": plan, "SkuMeter": PLANS, "SkuPriceId": f"{plan}/plan"}
    if of.charge_type != "usage" or of.model == NO_MODEL or part.name is None:
        return {}
    sku: FocusRow = {"SkuId": of.model, "SkuMeter": f"{part.name} tokens"}
    if part.price is not None:
        tier = ",".join(read_context(of.details.get("context")).values()) or "standard"
        sku["SkuPriceId"] = f"{of.model}/{part.name}/{re.sub(r'[^a-z0-9,.-]+', '-', tier.lower())}"
        sku["SkuPriceDetails"] = _write_json({"x_TokenType": part.name, "x_ServiceTier": tier})
    return sku


def _name_status(of: CostSum) -> str | None:
    if of.charge_type != "usage":
        return None
    if not of.money_is_effective:
        return "billed elsewhere"
    return "unpriced" if of.is_unpriced else "priced"


def _describe_charge(of: CostSum, part: TokenClass) -> str:
    if of.charge_type == "usage":
        return f"{of.model}, {part.name.lower()} tokens" if part.name else of.model
    what = {"subscription": "Plan", "tax": "Tax", "credit": "Credit", "adjustment": "Adjustment"}
    return f"{what[of.charge_type]}: {of.service if of.model == NO_MODEL else of.model}"


def name_seller(provider: str, display_name: str) -> tuple[str, str]:
    """The seller, and the name of what is sold."""
    return SELLERS.get(provider, display_name), display_name if provider in NO_API else f"{display_name} API"


@lru_cache(10_000)
def _name_publisher(model: str) -> str | None:
    maker = find_maker(model) if model != NO_MODEL else None
    return PROVIDERS.get(maker) if maker else None


def _write_tags(of: CostSum) -> str | None:
    """Tags of a record without a value are true, as the format wants it."""
    told = of.details.get("tags")
    tags: dict[str, str | bool] = {str(tag): True for tag in told} if isinstance(told, list) else {}
    tags |= {name: str(of.details[name]) for name in ("agent", "environment") if of.details.get(name)}
    return _write_json(tags) if tags else None


def _write_json(values: Mapping[str, str | bool]) -> str:
    return json.dumps(values, ensure_ascii=False, sort_keys=True)
