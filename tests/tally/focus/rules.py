"""Requirements of FOCUS 1.2 on a file, each with its rule in the specification's own numbering.

The numbers are those of the requirements model that comes with the official validator (model 1.2.0.1), whose
texts are in the specification, tag v1.2: columns in `specification/columns/`, formats in `attributes/`.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import partial
from typing import NamedTuple

Cells = Mapping[str, str]

MANDATORY = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
    "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd",
    "ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost",
    "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName",
)  # fmt: skip
NEVER_NULL = tuple(
    name
    for name in MANDATORY
    if name
    not in ("BillingAccountName", "ChargeClass", "ChargeDescription", "PricingQuantity", "PricingUnit")
)
DECIMALS = (
    "BilledCost", "ConsumedQuantity", "ContractedCost", "ContractedUnitPrice", "EffectiveCost", "ListCost",
    "ListUnitPrice", "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice", "PricingQuantity",
)  # fmt: skip
TIMES = ("BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart")
ALLOWED = {
    "ChargeCategory": {"Usage", "Purchase", "Tax", "Credit", "Adjustment"},
    "ChargeClass": {"", "Correction"},
    "ChargeFrequency": {"One-Time", "Recurring", "Usage-Based"},
    "PricingCategory": {"", "Standard", "Dynamic", "Committed", "Other"},
    "ServiceCategory": {"AI and Machine Learning"},
    "ServiceSubcategory": {"Generative AI"},
    "BillingCurrency": {"USD"},
    "PricingCurrency": {"USD"},
    "CommitmentDiscountStatus": {""},
    "ConsumedUnit": {"", "Tokens"},
    "PricingUnit": {"", "Tokens", "Plans"},
}
DECIMAL = re.compile(r"-?[0-9]+\.[0-9]+")
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
OF_PRICES = ("ListUnitPrice", "ContractedUnitPrice", "PricingCategory", "PricingQuantity", "SkuPriceId")


class Rule(NamedTuple):
    """A requirement on every row."""

    source: str
    holds: Callable[[Cells], bool]


def _is_object(text: str) -> bool:
    try:
        told = json.loads(text)
    except ValueError:
        return False
    return isinstance(told, dict) and all(isinstance(value, str | bool) for value in told.values())


def _multiplies(price: str, cost: str) -> Callable[[Cells], bool]:
    return lambda row: (
        not row[price] or Decimal(row[price]) * Decimal(row["PricingQuantity"]) == Decimal(row[cost])
    )


def _together(first: str, second: str) -> Callable[[Cells], bool]:
    return lambda row: bool(row[first]) == bool(row[second])


def _each(names: Iterable[str], source: str, holds: Callable[[Cells, str], bool]) -> list[Rule]:
    """The rule for each of these columns."""
    return [Rule(f"{name}-{source}", partial(_hold, holds, name)) for name in names]


def _hold(holds: Callable[[Cells, str], bool], name: str, row: Cells) -> bool:
    return holds(row, name)


def _category(row: Cells, *among: str) -> bool:
    return row["ChargeCategory"] in among


RULES: tuple[Rule, ...] = (
    *_each(NEVER_NULL, "C: MUST NOT be null", lambda row, name: bool(row[name])),
    *_each(
        DECIMALS,
        "C-001: Decimal; NumericFormat-A-003, A-009",
        lambda row, name: not row[name] or bool(DECIMAL.fullmatch(row[name])),
    ),
    *_each(
        TIMES, "C-001: Date/Time; DateTimeFormat-A-003", lambda row, name: bool(TIME.fullmatch(row[name]))
    ),
    *_each(ALLOWED, "C: one of the allowed values", lambda row, name: row[name] in ALLOWED[name]),
    Rule("ChargePeriodEnd-C-004: exclusive", lambda row: row["ChargePeriodStart"] < row["ChargePeriodEnd"]),
    Rule(
        "BillingPeriodStart-C-004, BillingPeriodEnd-C-004: the charge is in its billing period",
        lambda row: (
            row["BillingPeriodStart"] <= row["ChargePeriodStart"]
            and row["ChargePeriodEnd"] <= row["BillingPeriodEnd"]
        ),
    ),
    Rule(
        "ChargeFrequency-C-004: a purchase is not usage-based",
        lambda row: (row["ChargeCategory"], row["ChargeFrequency"]) != ("Purchase", "Usage-Based"),
    ),
    Rule(
        "EffectiveCost-C-005: 0 of a purchase",
        lambda row: not _category(row, "Purchase") or row["EffectiveCost"] == "0.0",
    ),
    Rule(
        "EffectiveCost-C-010: as billed of other charges",
        lambda row: _category(row, "Purchase") or row["EffectiveCost"] == row["BilledCost"],
    ),
    *_each(
        (*OF_PRICES, "SkuId", "SkuMeter"),
        "C-004: null of a tax",
        lambda row, name: not _category(row, "Tax") or not row[name],
    ),
    *_each(
        (*OF_PRICES, "SkuId"),
        "C-005: not null of a purchase",
        lambda row, name: not _category(row, "Purchase") or bool(row[name]),
    ),
    *_each(
        OF_PRICES,
        "C-005: with SkuPriceId alone",
        lambda row, name: bool(row[name]) == bool(row["SkuPriceId"]),
    ),
    Rule(
        "ConsumedQuantity-C-004: of usage alone",
        lambda row: _category(row, "Usage") or not row["ConsumedQuantity"],
    ),
    Rule("ConsumedUnit-C-005, C-006", _together("ConsumedUnit", "ConsumedQuantity")),
    Rule("PricingUnit-C-005, C-006", _together("PricingUnit", "PricingQuantity")),
    Rule("SkuMeter-C-004, C-005", _together("SkuMeter", "SkuId")),
    Rule(
        "SkuPriceDetails-C-004: null without SkuPriceId",
        lambda row: bool(row["SkuPriceId"]) or not row["SkuPriceDetails"],
    ),
    *_each(
        ("SkuPriceDetails", "Tags"),
        "C-001: KeyValueFormat",
        lambda row, name: not row[name] or _is_object(row[name]),
    ),
    Rule("SubAccountName-C-004, C-005", _together("SubAccountName", "SubAccountId")),
    *_each(
        ("ListUnitPrice", "ContractedUnitPrice"),
        "C-008, C-009: not negative",
        lambda row, name: not row[name].startswith("-"),
    ),
    Rule("ListUnitPrice-C-010, ListCost-C-009: the product", _multiplies("ListUnitPrice", "ListCost")),
    Rule("ContractedUnitPrice-C-011: the product", _multiplies("ContractedUnitPrice", "ContractedCost")),
    *_each(
        ("ListCost", "ContractedCost"),
        "C-008: as billed without a price",
        lambda row, name: bool(row["ListUnitPrice"]) or row[name] == row["BilledCost"],
    ),
    Rule("InvoiceId-C-003: null of all rows; x_InvoiceId has it", lambda row: not row["InvoiceId"]),
)


def find_violations(rows: Iterable[Cells]) -> list[str]:
    """Broken rules, each with the first row that breaks it; empty for a file that conforms."""
    found: dict[str, Cells] = {}
    parents: dict[str, str] = {}
    for row in rows:
        for missing in set(MANDATORY) - row.keys():
            found.setdefault(f"CostAndUsage-D: {missing} MUST be present", row)
        for rule in RULES:
            if not rule.holds(row):
                found.setdefault(rule.source, row)
        if row["SkuPriceId"] and parents.setdefault(row["SkuPriceId"], row["SkuId"]) != row["SkuId"]:
            found.setdefault("SkuPriceId-C-008: one parent SkuId", row)
    return [f"{rule}: {dict(row)}" for rule, row in found.items()]
