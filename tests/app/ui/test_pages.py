"""Pages in the menu, and those that share an entry."""

from app.ui.pages import PAGES, list_parts


def test_pages_of_an_entry_lead_to_each_other() -> None:
    titles = {page.title: [part.title for part in list_parts(page.title)] for page in PAGES}
    assert titles["Sources"] == ["Sources", "Connections", "Import", "Add entry"]
    assert titles["Import"] == titles["Connections"] == titles["Add entry"] == titles["Sources"]
    assert titles["Prices"] == titles["Subscriptions"] == ["Subscriptions", "Prices", "Invoices"]
    assert titles["Overview"] == titles["Settings"] == []
    assert list_parts("Nowhere") == ()


def test_every_page_can_be_reached_from_the_menu() -> None:
    entries = {page.name for page in PAGES if not page.part_of}
    assert {page.part_of for page in PAGES if page.part_of} <= entries
