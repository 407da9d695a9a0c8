"""The rules of axe-core on a page in the browser."""

from collections.abc import Iterable

from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]  # it ships no types
from playwright.sync_api import Page

ATTEMPTS = 20
RUN = """ignored => axe.run({
    resultTypes: ["violations"],
    rules: Object.fromEntries(ignored.map(rule => [rule, {enabled: false}])),
}).then(found => found.violations.map(it => [it.id, it.nodes[0].html.slice(0, 200)]))"""


def list_violations(page: Page, ignored: Iterable[str] = ()) -> list[tuple[str, str]]:
    """The rules that a page breaks, each with the first element that breaks it."""
    if page.evaluate("typeof axe === 'undefined'"):  # a menu's link keeps the document, and axe in it
        page.evaluate(AXE_SCRIPT)
    return [(rule, element) for rule, element in page.evaluate(RUN, list(ignored))]


def list_settled_violations(page: Page, ignored: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Those that stay when charts are drawn and colours have changed, however busy the machine is."""
    found: list[tuple[str, str]] = []
    for _ in range(ATTEMPTS):
        page.wait_for_timeout(500)
        if not (found := list_violations(page, ignored)):
            break
    return found
