"""The rules of axe-core on a page in the browser."""

from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]  # it ships no types
from playwright.sync_api import Page

RUN = """() => axe.run({resultTypes: ["violations"]}).then(
    found => found.violations.map(it => [it.id, it.nodes[0].html.slice(0, 200)])
)"""


def list_violations(page: Page) -> list[tuple[str, str]]:
    """The rules that a page breaks, each with the first element that breaks it."""
    if page.evaluate("typeof axe === 'undefined'"):  # a menu's link keeps the document, and axe in it
        page.evaluate(AXE_SCRIPT)
    return [(rule, element) for rule, element in page.evaluate(RUN)]


def list_settled_violations(page: Page) -> list[tuple[str, str]]:
    """The same, after charts are drawn and colours have faded in."""
    page.wait_for_timeout(500)
    return list_violations(page)
