"""`tally invoices`: papers from files, their list, and the way out and back in."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tally.cli.invoices import describe_amount
from tally.cli.main import app
from tally.local.stack import Stack
from tests.tally.invoices.receipts import BROKEN, RECEIPT
from tests.tally.people import Person, sign_up

OFX = """<OFX><CURDEF>USD<BANKTRANLIST>
<STMTTRN><DTPOSTED>20261113<TRNAMT>-23.80<FITID>1<NAME>CLAUDE.AI SUBSCRIPTION</STMTTRN>
<STMTTRN><DTPOSTED>20261114<TRNAMT>-9.00<FITID>2<NAME>TESCO</STMTTRN>"""


def run(person: Person, *arguments: str, fails: bool = False) -> Result:
    """Run a command of the group for a person."""
    result = CliRunner().invoke(app, ["invoices", *arguments, "--email", person.email])
    assert (result.exit_code != 0) == fails, result.output
    return result


def test_papers_are_imported_listed_and_exported_whole(stack: Stack, tmp_path: Path) -> None:
    person = sign_up(stack)
    assert run(person, "list").output.startswith("No invoices yet.")
    receipt, statement, broken = tmp_path / "receipt.pdf", tmp_path / "card.ofx", tmp_path / "broken.pdf"
    receipt.write_bytes(RECEIPT.to_pdf())
    statement.write_text(OFX)
    broken.write_bytes(BROKEN["receipt"][0].to_pdf())
    refused = run(person, "import", str(receipt), str(broken), fails=True)
    assert "broken.pdf: The lines add up to 19.00, but the subtotal is 20.00." in refused.output
    assert run(person, "list").output.startswith("No invoices yet."), "nothing of them is saved"

    done = run(person, "import", str(receipt), str(statement)).output.splitlines()
    assert done == [
        "receipt.pdf: 1 invoice added, 0 already there.",
        "card.ofx: 1 charge for AI of 2 lines added, 0 already there; all others are forgotten.",
    ]
    assert "8C41F0D2-0009" in run(person, "list").output
    [row] = json.loads(run(person, "list", "--json").output)["invoices"]
    assert (row["state"], row["total"], row["unexplained_usd"]) == ("matched", "23.8", "0")

    out = tmp_path / "all.csv"
    assert run(person, "export", "--out", str(out)).output.startswith("1 invoice in ")
    other = sign_up(stack)
    assert run(other, "import", str(out)).output == "all.csv: 1 invoice added, 0 already there.\n"
    assert run(other, "import", str(out)).output == "all.csv: 0 invoices added, 1 already there.\n"
    again = tmp_path / "again.csv"
    run(other, "export", "--out", str(again))
    assert again.read_bytes() == out.read_bytes()
    again.write_text("seller,number,date,currency,total\nOpenAI,R-9,2026-06-01,USD,5\n")
    told = run(other, "import", str(again)).output
    assert "1 invoice added, 0 already there. The file does not tell what all are for: took" in told
    assert "Cannot read" in run(other, "import", str(tmp_path / "none.pdf"), fails=True).output
    wrong = run(other, "import", str(out), "--currency", "dollars", fails=True)
    assert "a code of three letters" in wrong.output


@pytest.mark.parametrize(
    ("amount", "text"),
    [("-0.004", "0.00 USD"), ("-1234.5", "-1,234.50 USD"), ("0", "0.00 USD"), (None, "")],
)
def test_nothing_unexplained_has_no_sign(amount: str | None, text: str) -> None:
    assert describe_amount(amount, "USD") == text
