"""`python -m docs.clients`: write docs/clients.md, and print the table of the README."""

from itertools import groupby
from pathlib import Path

from tally.api_keys.snippet import EXAMPLE_ORIGIN, NO_KEY, Snippet
from tally.api_keys.snippets import SNIPPETS

DOCUMENT = Path(__file__).parent / "clients.md"
START = f"""# Clients

The page **Keys** shows these settings with your key and address, and so does
`tally keys api create NAME --for CLIENT`. Here, `{EXAMPLE_ORIGIN}` and `{NO_KEY}` stand for them.
`python -m docs.clients` writes this file from `tally/api_keys/snippets.py`.
"""


def write_document() -> str:
    """The document."""
    parts = [START]
    for group, snippets in groupby(SNIPPETS, lambda snippet: snippet.group):
        parts.append(f"## {group}\n")
        parts += map(_describe, snippets)
    return "\n".join(parts)


def write_table() -> str:
    """The table of the README."""
    rows = [
        f"| [{each.title}](docs/clients.md#{each.name}) | `{each.name}` | {each.where} |" for each in SNIPPETS
    ]
    return "\n".join(["| client | `--for` | where its settings go |", "|---|---|---|", *rows]) + "\n"


def _describe(snippet: Snippet) -> str:
    language = snippet.language or "text"
    lines = [
        f'### <a name="{snippet.name}"></a>{snippet.title}\n',
        f"{snippet.where}:\n",
        f"```{language}\n{snippet.fill(EXAMPLE_ORIGIN, None)}\n```\n",
        *([f"{snippet.note}\n"] if snippet.note else []),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    DOCUMENT.write_text(write_document())
    print(write_table(), end="")
