"""The pages of the dashboard: their titles, addresses and scripts."""

from dataclasses import dataclass
from pathlib import Path

VIEWS = Path(__file__).resolve().parent.parent / "views"
DEFAULT_PAGE = "overview"


@dataclass(frozen=True, slots=True)
class Page:
    """A page: the name of its folder in `app/views/`, its title and its Material icon."""

    name: str
    title: str
    icon: str

    @property
    def address(self) -> str:
        """Its URL path without the slash; empty for the default page."""
        return "" if self.name == DEFAULT_PAGE else self.title.lower().replace(" ", "-")


PAGES = (
    Page("overview", "Overview", "space_dashboard"),
    Page("traces", "Traces", "account_tree"),
    Page("models", "Models", "speed"),
    Page("records", "Records", "receipt_long"),
    Page("imports", "Import", "upload_file"),
    Page("connections", "Connections", "sync_alt"),
    Page("sources", "Sources", "balance"),
    Page("keys", "Keys", "key"),
    Page("add_entry", "Add entry", "add_card"),
    Page("subscriptions", "Subscriptions", "event_repeat"),
    Page("prices", "Prices", "sell"),
    Page("forecast", "Forecast", "trending_up"),
    Page("budgets", "Budgets", "savings"),
    Page("settings", "Settings", "settings"),
)
PATHS = frozenset(f"/{page.address}" for page in PAGES)


def page_path(name: str) -> Path:
    """The script of the page in the folder `app/views/<name>`."""
    return VIEWS / name / "page.py"
