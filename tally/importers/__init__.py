"""Importers: one file per source of usage exports."""

from collections.abc import Sequence

from tally.importers import (
    anthropic_cost,
    anthropic_usage,
    aws_cost_usage,
    azure,
    ccusage_json,
    copilot,
    cursor,
    deepseek,
    focus,
    generic,
    google_billing,
    google_cost_table,
    helicone,
    langfuse,
    litellm,
    openai_cost,
    openai_usage,
    openrouter,
    openrouter_activity,
    otlp,
    saved_answers,
    tally_export,
)
from tally.importers.protocol import (
    AmbiguousDates,
    AmbiguousNumbers,
    Importer,
    MissingColumns,
    Options,
    Parsed,
    Question,
)
from tally.importers.readers.containers import parse_tables, read_table, read_tables
from tally.importers.readers.decoding import ImportRefused
from tally.importers.readers.table import Rejected, Table

# The generic importer is last: it accepts any table of costs.
IMPORTERS: tuple[Importer, ...] = (
    openai_cost,
    openai_usage,
    anthropic_cost,
    anthropic_usage,
    cursor,
    copilot,
    deepseek,
    openrouter,
    openrouter_activity,
    litellm,
    helicone,
    langfuse,
    otlp,
    saved_answers,
    azure,
    google_billing,
    google_cost_table,
    focus,
    aws_cost_usage,
    ccusage_json,
    tally_export,
    generic,
)

__all__ = [
    "IMPORTERS",
    "AmbiguousDates",
    "AmbiguousNumbers",
    "ImportRefused",
    "Importer",
    "MissingColumns",
    "Options",
    "Parsed",
    "Question",
    "Rejected",
    "Table",
    "find_importer",
    "identify",
    "identify_all",
    "parse_tables",
    "read_table",
    "read_tables",
]


def identify(table: Table) -> Importer | None:
    """The importer that recognises this header, or None: the user then maps its columns for `generic`."""
    return next((importer for importer in IMPORTERS if importer.identify(table.header)), None)


def identify_all(tables: Sequence[Table]) -> Importer | None:
    """The importer of all tables of an upload; raises ImportRefused if an archive mixes formats."""
    importers = [identify(table) for table in tables]
    for table, importer in zip(tables, importers, strict=True):
        if importer is not importers[0]:
            raise ImportRefused(
                f"{tables[0].filename} is {_describe(importers[0])}, "
                f"and {table.filename} is {_describe(importer)}. "
                "Unpack the archive and drop its files here."
            )
    return importers[0]


def _describe(importer: Importer | None) -> str:
    return f"recognised as {importer.title}" if importer else "not recognised"


def find_importer(name: str) -> Importer:
    """The importer with the name that is stored with an import."""
    return next(importer for importer in IMPORTERS if importer.name == name)
