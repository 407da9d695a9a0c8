"""FOCUS, the open format of clouds' bills, in versions 1.0 to 1.2 and later: charges for AI services.

A row is a charge of a period; its BilledCost is billed. Rows of other services are skipped. Some tools write
this format from their own calculations: rows with an `x_CostBasis` other than billed, and those of LiteLLM,
which has no bills, are estimates or included.

The model is read from the meter, as in each cloud's own export. Without one, the bill covers all other usage
of its day.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from tally.catalog.models import canonical_model
from tally.catalog.providers import find_provider
from tally.core.encoding import canonical_decimal
from tally.core.records import JSON, NO_MODEL, ChargeType, CostBasis, CostRecord, identity
from tally.importers import azure_meters, bedrock_lines, google_billing
from tally.importers.ai_services import is_ai
from tally.importers.exports import Numbers, billing_account, read_period
from tally.importers.gateways import Named, find_reader, normalise_columns
from tally.importers.metered_tokens import count_tokens, quantity_reader
from tally.importers.protocol import NOT_AI, Options, Parsed, RowSkipped, read_rows
from tally.importers.readers.currencies import convert_to_usd, find_currency
from tally.importers.readers.table import Table

name = "focus"
title = "FOCUS cost export"

HEADER = frozenset({"billedcost", "billingcurrency", "chargeperiodstart", "servicename"})
AI_CATEGORY = "ai and machine learning"
# Normalised heading -> key of the metadata; with the period they identify a charge.
DIMENSIONS = {
    "billingaccountid": "billing_account_id",
    "subaccountid": "sub_account_id",
    "providername": "provider_name",
    "serviceprovidername": "service_provider_name",
    "publishername": "publisher",
    "invoiceissuername": "invoice_issuer",
    "servicename": "service",
    "resourceid": "resource",
    "regionid": "region",
    "skuid": "sku_id",
    "skupriceid": "sku_price_id",
    "skumeter": "meter",
    "xskumetername": "meter_name",
    "xusagetype": "usage_type",
    "xmodel": "written_model",
    "xtokentype": "token_type",
    "chargecategory": "charge_category",
    "chargeclass": "charge_class",
    "chargedescription": "description",
    "xsourcekey": "source_key",
}
DETAILS = {"subaccountname": "sub_account", "resourcename": "resource_name", "invoiceid": "invoice_id"}
METERS = ("written_model", "meter_name", "meter", "usage_type", "description", "sku_id", "resource_name")
PROVIDERS = ("provider_name", "service_provider_name", "publisher", "invoice_issuer")
CLOUDS = {
    "azure": re.compile(r"microsoft|azure", re.IGNORECASE),
    "aws-bedrock": re.compile(r"amazon|\baws\b", re.IGNORECASE),
    "google": re.compile(r"google", re.IGNORECASE),
}
CHARGES: dict[str, ChargeType] = {
    "purchase": "subscription",
    "tax": "tax",
    "credit": "credit",
    "adjustment": "adjustment",
}
BASES: dict[str, CostBasis] = {"estimated": "estimated", "included": "included"}


def identify(header: Sequence[str]) -> bool:
    """Check whether the header has the columns of FOCUS."""
    return normalise_columns(header).keys() >= HEADER


def parse(table: Table, options: Options) -> Parsed:
    """One record per period and charge of an AI service."""
    columns = normalise_columns(table.header)
    dimensions, details = Named(table, columns, DIMENSIONS), Named(table, columns, DETAILS)
    category, basis_of = find_reader(table, columns, "servicecategory"), _basis_reader(table, columns)
    start, end = (find_reader(table, columns, f"chargeperiod{edge}") for edge in ("start", "end"))
    currency, cost = find_reader(table, columns, "billingcurrency"), columns["billedcost"]
    numbers = Numbers(table, options, cost)
    consumed = [columns.get(column, "") for column in ("consumedquantity", "consumedunit")]
    quantity_of = quantity_reader(table, options, *consumed)

    def read_row(cells: Sequence[str]) -> CostRecord:
        found = {key: str(text) for key, text in dimensions.read(cells).items()}
        names = (found.get(key, "") for key in ("service", "publisher", "meter_name", "meter", "description"))
        if category(cells).casefold() != AI_CATEGORY and not is_ai(*names):
            raise RowSkipped(NOT_AI)
        when = read_period(start(cells), end(cells), options.timezone)
        provider, about = find_seller(found), found | {k: str(v) for k, v in details.read(cells).items()}
        metadata = when.metadata | _describe(about)
        amount, code = numbers.amount(cost, cells), find_currency(currency(cells))
        cost_usd = convert_to_usd(metadata, amount, code, when.timestamp.date(), options)
        if (used := quantity_of(cells)).amount:
            metadata["quantity"] = f"{canonical_decimal(used.amount)} {used.unit}"
        account_id = found.get("billing_account_id", "")
        return CostRecord(
            provider=provider,
            timestamp=when.timestamp,
            model_name=name_charge(find_model(provider, about), found.get("charge_category", "")),
            cost_usd=cost_usd,
            source_key=identity(
                name, options.account, when.key, *[found.get(key, "") for key in DIMENSIONS.values()]
            ),
            cost_basis=basis_of(cells),
            charge_type=_find_charge(found.get("charge_category", ""), cost_usd),
            **count_tokens(used, (about.get(key, "") for key in ("token_type", *METERS))).token_counts,
            day=when.day,
            billing_account=None if provider == "other" else billing_account(provider, options, account_id),
            dataset=name,
            metadata=metadata,
        )

    return read_rows(table, read_row)


def name_charge(model: str, kind: str) -> str:
    """The model of a charge; without one, a credit or a tax has a name, as it covers no usage of its day."""
    is_usage = not kind or kind.casefold().endswith("usage")
    return model if model != NO_MODEL or is_usage else kind.lower()


def find_seller(found: Mapping[str, str]) -> str:
    """Slug of the provider that sends the bill; a purchase may be of a plan."""
    is_purchase = found.get("charge_category", "").casefold() == "purchase"
    if is_purchase and (plan := find_provider(found.get("service", ""))):
        return plan
    for written in (found.get(key, "") for key in PROVIDERS):
        for slug, pattern in CLOUDS.items():
            if pattern.search(written):
                return slug
        if slug := find_provider(written) or "":
            return slug
    return "other"


def find_model(provider: str, about: Mapping[str, str]) -> str:
    """The model of a charge as other sources name it, or NO_MODEL."""
    if written := about.get("written_model"):
        return canonical_model(written) or NO_MODEL
    if provider == "aws-bedrock":
        products = (about.get("service", ""), about.get("meter", ""), about.get("description", ""))
        usage_type = about.get("usage_type") or about.get("meter", "")
        models = (
            bedrock_lines.model_of(product, usage_type, about.get("resource", "")) for product in products
        )
    else:
        model_of = google_billing.model_of if provider == "google" else azure_meters.model_of
        models = (model_of(about.get(key, "")) for key in METERS)
    return next((model for model in models if model != NO_MODEL), NO_MODEL)


def _basis_reader(table: Table, columns: Mapping[str, str]) -> Callable[[Sequence[str]], CostBasis]:
    basis, unit = find_reader(table, columns, "xcostbasis"), find_reader(table, columns, "consumedunit")
    issuer, provider = (find_reader(table, columns, f"{who}name") for who in ("invoiceissuer", "provider"))

    def read_basis(cells: Sequence[str]) -> CostBasis:
        """LiteLLM names itself nowhere: its unit is requests, and providers have its own lower-case names."""
        is_litellm = unit(cells) == "Requests" and issuer(cells) == provider(cells) == provider(cells).lower()
        return "estimated" if is_litellm else BASES.get(basis(cells).casefold(), "billed")

    return read_basis


def _describe(about: Mapping[str, str]) -> dict[str, JSON]:
    """The charge's names as metadata, with the last part of the resource's path."""
    return {key: text.rpartition("/")[2] if key == "resource" else text for key, text in about.items()}


def _find_charge(category: str, cost_usd: Decimal) -> ChargeType:
    charge = CHARGES.get(category.casefold(), "usage")
    return "adjustment" if cost_usd < 0 and charge not in ("credit", "adjustment") else charge
