"""Values that no invoice and no charge can have are refused with a sentence, not by a constraint."""

from typing import Any

import pytest

from tests.database.teams import Person, make_team
from tests.database.test_invoices import card, ledger, usage
from tests.database_fixtures import Connection, Project

MISSING: dict[str, dict[str, Any]] = {
    name: {name: None} for name in ("kind", "currency", "subtotal", "total", "issued_on")
}
OUTSIDE: dict[str, dict[str, Any]] = {
    "issued_on": {"issued_on": "-infinity"},
    "issued_on to come": {"issued_on": "infinity"},
    "paid_on": {"paid_on": "infinity"},
    "period_end": {"period_end": "infinity"},
    "period_start": {"period_start": "-infinity"},
    "period_start without an end": {"period_end": None},
    "expires_on": {"expires_on": "2100-02-01"},
    "kind": {"kind": "gift"},
    "currency": {"currency": "dollars"},
    "usd_rate": {"usd_rate": "-1"},
    "usd_rate beyond all": {"usd_rate": "999999.9", "total": "100019", "subtotal": "100000"},
    "card_last_four": {"card_last_four": "42"},
    "total": {"total": "much"},
    "total beyond all": {"total": "1e999"},
    "no number": {"total": "NaN", "subtotal": "NaN"},
    "day": {"issued_on": "31.31.2026"},
    "amount": {"lines": [{"description": "x"}]},
    "amount that is none": {"lines": [{"amount": "x"}]},
    "line without values": {"lines": [None]},
    "day of a line": {"lines": [{"amount": "100", "period_end": "infinity"}]},
}


@pytest.fixture
def admin(project: Project, database: Connection) -> Person:
    return make_team(project, database, "admin")["admin"]


def test_values_that_cannot_be_are_refused_with_a_sentence(admin: Person) -> None:
    for name, changes in (MISSING | OUTSIDE).items():
        told = admin.suspect("save_invoice", workspace=admin.workspace, invoice=usage(**changes))
        assert told.endswith("."), (name, told)
        assert any(word in told for word in ("Correct", "Check", "Write", "needs")), (name, told)
        assert "constraint" not in told, (name, told)
    for scalar in ('"text"', "null", [1], []):
        told = admin.suspect("save_invoice", workspace=admin.workspace, invoice=scalar)
        assert "Choose the provider" in told, scalar
    assert ledger(admin) == []


def test_charges_that_cannot_be_are_refused_with_a_sentence(admin: Person) -> None:
    for changes, sentence in (
        ({"posted_on": "infinity"}, "Correct the value of posted_on of this charge"),
        ({"posted_on": None}, "Correct the value of posted_on of this charge"),
        ({"posted_on": "31.31.2026"}, "A value of this charge cannot be read."),
        ({"amount": "1e30"}, "A value of this charge cannot be read."),
        ({"kind": "gift"}, "Correct the value of kind of this charge"),
        ({"descriptor": None}, "Correct the value of descriptor of this charge"),
    ):
        told = admin.suspect("save_statement_lines", workspace=admin.workspace, lines=[card(**changes)])
        assert sentence in told, (changes, told)
    told = admin.suspect("save_statement_lines", workspace=admin.workspace, lines=[None])
    assert "A statement can have" in told
    assert ledger(admin) == []
