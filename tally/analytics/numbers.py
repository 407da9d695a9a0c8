"""Numbers as Postgres has them."""

from decimal import ROUND_HALF_UP, Decimal, localcontext

DIGITS = 4  # of a digit of Postgres' numbers, which are to the base of 10,000
SIGNIFICANT = 16  # digits of a quotient at least
PRECISION = 1100  # digits: no sum or product is rounded


def divide(amount: Decimal, by: Decimal) -> Decimal:
    """The quotient with as many decimals as Postgres gives it; raises ZeroDivisionError.

    As `select_div_scale` of its numeric.c: at least 16 significant digits, and no fewer decimals than either.
    """
    weight, first = _lead(amount)
    other_weight, other_first = _lead(by)
    quotient_weight = weight - other_weight - (first <= other_first)
    scale = max(SIGNIFICANT - quotient_weight * DIGITS, _decimals(amount), _decimals(by), 0)
    with localcontext(prec=PRECISION):
        return (amount / by).quantize(Decimal(1).scaleb(-min(scale, 1000)), ROUND_HALF_UP)


def _lead(number: Decimal) -> tuple[int, int]:
    """The place and the value of the first digit to the base of 10,000."""
    if not number:
        return 0, 0
    place = number.adjusted() // DIGITS
    return place, int(abs(number).scaleb(-place * DIGITS))


def _decimals(number: Decimal) -> int:
    return max(-int(number.as_tuple().exponent), 0)


def find_percentile(expression: str, *fractions: float, condition: str = "1") -> str:
    """A query's expression for values below which fractions of all are, as `percentile_disc` finds them.

    The value of one fraction is a number, of several a list; of no values they are 0.
    """
    values = f"arraySort(groupArrayIf({expression}, {condition}))"
    found = [
        f"arrayElement({values}, toUInt64(ceil({fraction} * length({values}))))" for fraction in fractions
    ]
    return found[0] if len(found) == 1 else f"[{', '.join(found)}]"
