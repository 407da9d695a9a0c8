"""What the official validator prints is read as it is meant: it ends with 0 also where rules fail."""

from tests.tally.focus.validate import find_failures, read_results

OUTPUT = """
✅ BilledCost-C-001-M: PASS  (violations=0, 12.9ms)
✅ Tags-C-002-O: PASS  (violations=0, msg=Tags-C-002-O: OR passed - satisfied by rules: [x#1])
❌ InvoiceId-C-005-C: FAIL  (violations=8, msg=InvoiceId MUST NOT be NULL., 2.6ms)
❌ SkuId-C-002-M: FAIL  (violations=1, msg=SkuId MUST contain only ASCII characters., 2.6ms)

--- Failures ---
- InvoiceId-C-005-C: violations=8; InvoiceId MUST NOT be NULL.
"""


def test_failed_rules_are_named_but_for_the_exempted_one() -> None:
    results = read_results(OUTPUT)
    assert list(results.values()) == [True, True, False, False]
    assert find_failures(results) == ["SkuId-C-002-M"]


def test_output_without_results_is_a_failure() -> None:
    assert find_failures(read_results("Traceback …")) == ["the validator reported no rule"]
