"""Subscriptions that renew soon, while they can still be cancelled."""

from datetime import timedelta

from tally.alerts.rules import Connection, Finding, Watched, about_person

SOON = """
select s.id, s.user_id, s.plan_name, p.display_name, s.amount_usd, r.day
from public.subscriptions as s
inner join public.providers as p on s.provider_id = p.id
cross join lateral private.renewal_days(s, %(until)s) as r (day)
where s.workspace_id = %(workspace)s and r.day > %(today)s and s.amount_usd > 0
order by r.day, s.id"""


def find_renewals(connection: Connection, watched: Watched) -> list[Finding]:
    """One event for each renewal of the next days."""
    until = watched.today + timedelta(days=watched.rules.renewal_days)
    keys = {"workspace": watched.id, "today": watched.today, "until": until}
    return [
        Finding(
            "renewal",
            str(key),
            day,
            "info",
            {
                "plan": plan,
                "provider": provider,
                "amount": str(amount),
                "currency": "USD",
                "renews_on": day.isoformat(),
                **about_person(watched, user_id),
            },
        )
        for key, user_id, plan, provider, amount, day in connection.execute(SOON, keys).fetchall()
    ]
