"""The query of a question about costs: sums of records by group and time, and what is measured of them."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Any

from tally.analytics.exploration import (
    BY_MODEL,
    CLASSES,
    Question,
    decimals_of,
    filter_records,
    find_hidden,
    find_key,
    join_told,
)
from tally.analytics.numbers import PRECISION

COST = "if(money_is_effective = 1, cost_usd, toDecimal64(0, 10))"
IS_READ = "tokens_are_effective * cached_input_tokens > 0"
IS_HIT = f"(is_cache_hit = 1 and ifNull({COST} = 0, false))"
MONEY = ("spend", "value", "cost_per_request")
PRICED = {
    "spend": "cost_basis != 'included'",
    "cost_per_request": "cost_basis != 'included' and charge_type = 'usage'",
    "cache_savings": IS_READ,
    "cached_requests": f"{IS_READ} or {IS_HIT}",
}


def _count(column: str) -> str:
    return f"toInt128(tokens_are_effective * {column})"


TOKENS = {
    "input": f"{_count('input_tokens')} - {_count('cached_input_tokens')} - {_count('cache_write_tokens')}",
    "cache_read": _count("cached_input_tokens"),
    "cache_write": _count("cache_write_tokens"),
    "output": f"{_count('output_tokens')} - {_count('reasoning_tokens')}",
    "reasoning": _count("reasoning_tokens"),
    "other": f"{_count('tokens_used')} - {_count('input_tokens')} - {_count('output_tokens')}",
}
METERED = "charge_type = 'usage' and cost_basis = '{0}'"


def measure_records(question: Question) -> tuple[str, dict[str, Any]]:
    """The query of the finest measured sums, with its parameters.

    Its columns: the keys of both dimensions and whether each is hidden, the time and whether it is told,
    the amount, the requests of a cost per request, requests, records, those without a price, and the tokens
    of each class.
    """
    fine, parameters = _sum_records(question)
    shown = [_show_key(fine, name, nth) for nth in (1, 2) for name in ("key", "hidden")]
    shown += ["timeless" if "timeless" in fine.keys else "'' as timeless"]
    shown += ["label" if question.times else "'' as label"]
    source = f"({fine.query}) as f"
    if question.times:
        times, more = _list_times(question)
        source += f" inner join ({times}) as t on f.start = t.start"
        parameters |= more
    rate = " * rate" if question.rates else ""
    if question.measure == "cost_per_request":
        source, amount, per = (
            _find_metered(source),
            f"if(is_metered, cost, 0){rate}",
            "if(is_metered, calls, 0)",
        )
        missing = "unpriced"
    elif question.measure == "cache_savings":
        prices, more = _list_prices(question)
        parameters |= more
        source += f""" asof left join ({prices}) as p
            on f.provider_id = p.provider_id and f.model_name = p.model and t.day >= p.from_day"""
        amount = f"(ifNull(toDecimal256(amount, 0) * usd, 0) + toDecimal256(saved, 10)){rate}"
        per, missing = "0", "if(usd is null, unpriced, 0) + unknown"
    else:
        scale = 10 if question.measure in MONEY else 0
        amount, per, missing = f"toDecimal256(amount, {scale}){rate}", "0", "unpriced"
    query = f"""select {", ".join(shown)}, {amount} as measure, toInt128({per}) as per,
        requests, records, toUInt64({missing}) as missing, shares
    from {source}"""
    return query, parameters


def _show_key(fine: _Fine, name: str, nth: int) -> str:
    shown = f"{name}_{nth}"
    if shown in fine.keys:
        return shown
    return f"{'false' if name == 'hidden' else chr(39) * 2} as {shown}"


class _Fine:
    """A query of sums and the names of what it groups by."""

    def __init__(self, query: str, keys: dict[str, str]) -> None:
        self.query, self.keys = query, keys


def _sum_records(question: Question) -> tuple[_Fine, dict[str, Any]]:
    conditions, parameters = filter_records(question)
    keys: dict[str, str] = {}
    for nth, dimension in enumerate(question.by, 1):
        if dimension != "token_class":
            keys[f"key_{nth}"] = find_key(question, dimension)
            if (hidden := find_hidden(question, dimension)) is not None:
                keys[f"hidden_{nth}"] = hidden
    if question.times:
        keys["start"] = "toUInt32(roundDown(toUnixTimestamp(timestamp), {starts:Array(UInt32)}))"
    if question.has_hours:
        # When others worked is not told, and what has only a date is in no hour.
        hidden = find_hidden(question, "person") or "false"
        keys["timeless"] = f"multiIf({hidden}, 'hidden', is_date = 1, 'day', '')"
    if question.measure in BY_MODEL:
        keys |= {"provider_id": "provider_id", "model_name": "model_name"}
    grouped = "".join(f"{key} as {name}, " for name, key in keys.items())
    query = f"""select {grouped}
            {_sums(question)}
        from $records as r {join_told(question)}
        where {conditions}
        {"group by " + ", ".join(keys) if keys else ""}
        having records > 0"""
    return _Fine(query, keys), parameters


def _sums(question: Question) -> str:
    priced = PRICED.get(question.measure, "true")
    if question.measure in MONEY:
        amount = f"ifNull(sumIf({COST}, {priced}), toDecimal128(0, 10))"
    else:
        amount = f"sumIf({_amount(question)}, {priced})"
    sums = [
        f"{amount} as amount",
        f"countIf({priced}) as unpriced"
        if question.measure == "cache_savings"
        else f"sumIf(is_unpriced, {priced}) as unpriced",
        f"sum({_count('request_count')}) as requests",
        "count() as records",
    ]
    if question.measure == "cost_per_request":
        for basis in ("billed", "estimated"):
            metered = METERED.format(basis)
            sums += [
                f"ifNull(sumIf({COST}, {metered}), toDecimal128(0, 10)) as {basis}",
                f"sumIf({_count('request_count')}, {metered}) as {basis}_requests",
                f"countIf({COST} is not null and {metered}) as {basis}_costs",
            ]
    if question.measure == "cache_savings":
        sums.append(f"ifNull(sumIf(cache_saved_usd, {IS_HIT}), toDecimal128(0, 10)) as saved")
        sums.append(f"countIf({IS_HIT} and cache_saved_usd is null) as unknown")
    if "token_class" in question.by:
        shares = ", ".join(f"('{name}', sum({TOKENS[name]}))" for name in question.classes)
        sums.append(f"[{shares}] as shares")
    else:
        sums.append("[] as shares")
    return ",\n            ".join(sums)


def _amount(question: Question) -> str:
    if question.measure in ("requests", "cached_requests"):
        return _count("request_count")
    if question.measure == "cache_savings":
        return _count("cached_input_tokens")
    if question.measure != "tokens":
        return TOKENS[question.measure.removesuffix("_tokens")]
    chosen = question.filters.get("token_class")
    if not chosen:
        return _count("tokens_used")
    return " + ".join(f"({TOKENS[name]})" for name in CLASSES if name in chosen)


def _list_times(question: Question) -> tuple[str, dict[str, Any]]:
    times = question.times or {}
    rates = question.rates or []
    scale = decimals_of(*rates)
    parameters = {"starts": times["starts"], "days": times["days"], "labels": times["labels"]}
    lists = ["{starts:Array(UInt32)}", "{days:Array(Date)}", "{labels:Array(String)}"]
    names = ["start", "day", "label"]
    if rates:
        parameters["rates"] = [format(rate, "f") for rate in rates]
        lists.append(f"arrayMap(x -> toDecimal256(x, {scale}), {{rates:Array(String)}})")
        names.append("rate")
    columns = ", ".join(f"t.{nth} as {name}" for nth, name in enumerate(names, 1))
    return f"select {columns} from (select arrayJoin(arrayZip({', '.join(lists)})) as t)", parameters


def _list_prices(question: Question) -> tuple[str, dict[str, Any]]:
    ids = {name: provider for provider, name in question.providers.items()}
    prices = {
        (ids[price["provider"]], price["model"], price["from"]): _per_token(price["usd_per_mtok"])
        for price in question.prices
        if price["provider"] in ids
    }
    scale = decimals_of(*(usd for usd in prices.values() if usd is not None))
    decimals_of(*(question.rates or []), Decimal(1).scaleb(-scale))
    keys = list(prices)
    parameters = {
        "price_providers": [provider for provider, _, _ in keys],
        "price_models": [model for _, model, _ in keys],
        "price_days": [day for _, _, day in keys],
        "price_usd": [None if usd is None else format(usd, "f") for usd in prices.values()],
    }
    query = f"""select p.1 as provider_id, p.2 as model, p.3 as from_day, p.4 as usd
        from (select arrayJoin(arrayZip(
            {{price_providers:Array(UUID)}}, {{price_models:Array(String)}}, {{price_days:Array(Date)}},
            arrayMap(x -> toDecimal256OrNull(x, {scale}), {{price_usd:Array(Nullable(String))}})
        )) as p)"""
    return query, parameters


def _per_token(usd_per_mtok: str | None) -> Decimal | None:
    return None if usd_per_mtok is None else Decimal(usd_per_mtok).scaleb(-6, Context(prec=PRECISION))


def _find_metered(source: str) -> str:
    """The sums, with `is_metered` for days of models whose money and requests are each other's."""
    model, provider = "partition by day, provider_id, model_name", "partition by day, provider_id"
    sums = ", ".join(
        f"sum({name}) over ({model}) as m_{name}"
        for name in ("unpriced", "billed", "estimated", "billed_requests", "estimated_requests")
    )
    return f"""(
        select *, is_judged and (m_requests > 0 or max(is_together) over ({provider})) as is_metered
        from (
            select *,
                m_billed_requests + m_estimated_requests as m_requests,
                m_billed + m_estimated as m_cost,
                if(m_billed_requests > 0, m_billed, 0)
                    + if(m_estimated_requests > 0, m_estimated, 0) as m_own,
                m_unpriced = 0 and (m_own = 0 or m_own = m_cost) as is_judged,
                is_judged and m_requests > 0 and m_cost = 0 and m_costs > 0 as is_together
            from (
                select *, toDecimal256(billed + estimated, 10) as cost,
                    billed_requests + estimated_requests as calls, {sums},
                    sum(billed_costs + estimated_costs) over ({model}) as m_costs
                from {source}
            )
        )
    ) as m"""
