"""Columns of FOCUS by version, and the type of each.

https://github.com/FinOps-Open-Cost-and-Usage-Spec/FOCUS_Spec, tag v1.2. Versions differ here alone; one is
offered once its files passed a validator.
"""

from dataclasses import dataclass
from typing import Literal

from tally.core.errors import TallyError

Kind = Literal["decimal", "time", "text"]

TEXTS_1_2 = (
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "CommitmentDiscountStatus",
    "ConsumedUnit",
    "InvoiceId",
    "InvoiceIssuerName",
    "PricingCategory",
    "PricingCurrency",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "Tags",
)
TIMES_1_2 = ("BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart")
DECIMALS_1_2 = (
    "BilledCost",
    "ConsumedQuantity",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "ListCost",
    "ListUnitPrice",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice",
    "PricingQuantity",
)
# Tally's own, which every version allows under this prefix.
OWN_TEXTS = ("x_CostBasis", "x_InvoiceId", "x_Model", "x_PriceStatus", "x_TokenType")
OWN_DECIMALS = ("x_ListWorth", "x_RequestCount", "x_Tokens")


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the format."""

    name: str
    kinds: dict[str, Kind]  # of the columns, in the order of files

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self.kinds)


def _of(names: tuple[str, ...], kind: Kind) -> dict[str, Kind]:
    return dict.fromkeys(names, kind)


VERSIONS = {
    "1.2": Version(
        "1.2",
        dict(sorted((_of(TEXTS_1_2, "text") | _of(TIMES_1_2, "time") | _of(DECIMALS_1_2, "decimal")).items()))
        | _of(OWN_TEXTS, "text")
        | _of(OWN_DECIMALS, "decimal"),
    )
}
OFFERED = "1.2"  # where nobody asks for one
# 1.3 (December 2025) adds the mandatory ServiceProviderName and HostProviderName; 1.4 drops ProviderName and
# PublisherName: they are offered once a file of theirs was validated.


def find_version(asked: str) -> Version:
    """The version with this name; raises TallyError for one that is not offered."""
    if found := VERSIONS.get(asked.strip().removeprefix("v")):
        return found
    offered = " or ".join(VERSIONS)
    raise TallyError(f"FOCUS {asked[:20]} is not offered. Ask for {offered}.")
