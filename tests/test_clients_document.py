"""docs/clients.md and the README's table are those that the settings of clients make."""

from docs.clients import DOCUMENT, write_document, write_table
from tally.core.paths import CHECKOUT


def test_document_has_the_settings_of_every_client() -> None:
    assert DOCUMENT.read_text() == write_document(), "run python -m docs.clients"


def test_readme_has_a_line_for_each_client() -> None:
    assert write_table() in (CHECKOUT / "README.md").read_text(), "python -m docs.clients prints it"
