"""Addresses in messages."""

from uuid import UUID

import pytest

from tally.notifications.links import page_link

WORKSPACE = UUID("0199aaaa-0000-7000-8000-000000000001")


@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("", f"https://tally.example/?workspace={WORKSPACE}"),
        ("sources", f"https://tally.example/sources?workspace={WORKSPACE}"),
        ("budgets?budget=7", f"https://tally.example/budgets?budget=7&workspace={WORKSPACE}"),
    ],
)
@pytest.mark.parametrize("origin", ["https://tally.example", "https://tally.example/"])
def test_link_leads_to_the_page_in_its_workspace(origin: str, path: str, link: str) -> None:
    assert page_link(origin, path, WORKSPACE) == link


def test_link_is_left_out_without_an_address() -> None:
    assert page_link("", "sources", WORKSPACE) == ""
