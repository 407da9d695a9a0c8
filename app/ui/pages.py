"""The pages of the dashboard: their titles, addresses and scripts, and their order in the menu."""

from dataclasses import dataclass
from pathlib import Path

VIEWS = Path(__file__).resolve().parent.parent / "views"
DEFAULT_PAGE = "overview"


@dataclass(frozen=True, slots=True)
class Page:
    """A page: the name of its folder in `app/views/`, its title and its Material icon.

    The menu names it by `entry`, or has the entry of the page `part_of` in its place; among the pages that
    share an entry its name is `part`, or the title.
    """

    name: str
    title: str
    icon: str
    entry: str = ""
    part_of: str = ""
    part: str = ""
    begins_group: bool = False

    @property
    def address(self) -> str:
        """Its URL path without the slash; empty for the default page."""
        return "" if self.name == DEFAULT_PAGE else self.title.lower().replace(" ", "-")


PAGES = (
    Page("overview", "Overview", "space_dashboard"),
    Page("explore", "Explore", "query_stats"),
    Page("agents", "Agents", "terminal"),
    Page("traces", "Traces", "account_tree"),
    Page("models", "Models", "speed", part="Performance"),
    Page("catalogue", "Catalogue", "table", part_of="models"),
    Page("prompts", "Prompts", "article"),
    Page("experiments", "Experiments", "science", part_of="prompts"),
    Page("forecast", "Forecast", "trending_up", begins_group=True),
    Page("budgets", "Budgets", "savings"),
    Page("advice", "Advice", "lightbulb"),
    Page("replay", "Replay", "swap_horiz", part_of="advice"),
    Page("records", "Records", "receipt_long", begins_group=True),
    Page("sources", "Sources", "balance"),
    Page("connections", "Connections", "sync_alt", part_of="sources"),
    Page("imports", "Import", "upload_file", part_of="sources"),
    Page("add_entry", "Add entry", "add_card", part_of="sources"),
    Page("keys", "Keys", "key"),
    Page("subscriptions", "Subscriptions", "event_repeat", entry="Plans & prices"),
    Page("prices", "Prices", "sell", part_of="subscriptions"),
    Page("invoices", "Invoices", "receipt", part_of="subscriptions"),
    Page("settings", "Settings", "settings", begins_group=True),
)
PATHS = frozenset(f"/{page.address}" for page in PAGES)


def page_path(name: str) -> Path:
    """The script of the page in the folder `app/views/<name>`."""
    return VIEWS / name / "page.py"


def find_page(address: str) -> Page:
    """The page at an address of the dashboard."""
    return next(page for page in PAGES if page.address == address)


def list_parts(title: str) -> tuple[Page, ...]:
    """The pages that share the menu entry of a page; none for one that has its entry alone."""
    page = next((page for page in PAGES if page.title == title), None)
    if page is None:
        return ()
    place = page.part_of or page.name
    parts = tuple(each for each in PAGES if place in (each.name, each.part_of))
    return parts if len(parts) > 1 else ()
