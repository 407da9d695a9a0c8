"""Importers: one file per source of usage exports."""

from tally.importers import anthropic_cost, anthropic_usage, generic, openai_cost, openai_usage
from tally.importers.decoding import ImportRefused
from tally.importers.protocol import (
    AmbiguousDates,
    AmbiguousNumbers,
    Importer,
    MissingColumns,
    Options,
    Parsed,
    Question,
)
from tally.importers.table import Rejected, Table, read_table

# The generic one last: it takes what no other recognises.
IMPORTERS: tuple[Importer, ...] = (openai_cost, openai_usage, anthropic_cost, anthropic_usage, generic)

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
    "read_table",
]


def identify(table: Table) -> Importer | None:
    """The importer that recognises this header, or None: then the person maps its columns for `generic`."""
    return next((importer for importer in IMPORTERS if importer.identify(table.header)), None)


def find_importer(name: str) -> Importer:
    """The importer of this name, as stored with an import."""
    return next(importer for importer in IMPORTERS if importer.name == name)
