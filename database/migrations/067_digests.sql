-- 067_digests.sql: the weekly and the monthly mail: which are due, what they tell, and the way to stop them.

-- private.digests: one mail to one member about one period of a workspace, however often a job looks. Its id is what mail
-- programs tell repetitions by.
create table if not exists private.digests (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null,
    user_id uuid not null,
    kind text not null check (kind in ('weekly', 'monthly')),
    period_start date not null check (period_start between date '2020-01-01' and date '2100-01-01'),
    state text not null default 'waiting' check (state in ('waiting', 'sent', 'empty', 'failed')), -- empty: nothing to tell
    attempts integer not null default 1 check (attempts between 1 and 1000),
    next_attempt_at timestamptz not null, -- until then a sender has it; one that died leaves it to the next
    problem text check (length(problem) <= 500),
    created_at timestamptz not null default now(),
    constraint digests_once unique (workspace_id, user_id, kind, period_start),
    constraint digests_member
    foreign key (user_id, workspace_id) references public.members (user_id, workspace_id) on delete cascade
);
create index if not exists digests_member_idx on private.digests (user_id, workspace_id);
create index if not exists digests_created_at_idx on private.digests (created_at);
alter table private.digests enable row level security;
revoke all on private.digests from public, anon, authenticated, service_role;

-- private.unsubscribing: the token in a user's links that stop these mails. Whoever has it can do nothing else.
create table if not exists private.unsubscribing (
    user_id uuid primary key references auth.users (id) on delete cascade,
    token text not null unique check (token ~ '^[A-Za-z0-9_-]{43}$')
);
alter table private.unsubscribing enable row level security;
revoke all on private.unsubscribing from public, anon, authenticated, service_role;

-- The mails that are due: of each kind only the latest, since Monday, or since the 1st, 08:00 in the workspace's zone. Local
-- times are compared, so a clock that jumps over 08:00 delays it until after the jump. Who joined later waits for the next.
create or replace function private.due_digests(at timestamptz)
returns table (
    workspace_id uuid, user_id uuid, email text, workspace text, kind text, today date, period_start date, attempts integer
)
language sql
stable
set search_path = ''
as $$
    select
        m.workspace_id, m.user_id, u.email, w.name, k.kind, (at at time zone w.timezone)::date, (k.due - k.length)::date,
        coalesce(d.attempts, 0)
    from public.members as m
    inner join public.workspaces as w on m.workspace_id = w.id
    inner join auth.users as u on m.user_id = u.id
    left join public.user_preferences as p on m.user_id = p.user_id
    cross join lateral (select (at at time zone w.timezone) - interval '8 hours' as time) as l
    cross join lateral (
        values
        ('weekly', date_trunc('week', l.time), interval '7 days', coalesce(p.weekly_digest, true)),
        ('monthly', date_trunc('month', l.time), interval '1 month', coalesce(p.monthly_digest, true))
    ) as k (kind, due, length, is_wanted)
    left join private.digests as d
        on m.workspace_id = d.workspace_id and m.user_id = d.user_id and k.kind = d.kind
        and (k.due - k.length)::date = d.period_start
    where
        k.is_wanted
        and coalesce(p.email_notifications, true)
        and u.email is not null
        and u.email_confirmed_at is not null
        and m.joined_at < (k.due + interval '8 hours') at time zone w.timezone
        and (d.id is null or (d.state = 'waiting' and d.next_attempt_at <= at))
    order by k.due, m.workspace_id, m.user_id
$$;
revoke all on function private.due_digests(timestamptz) from public;

-- Takes a due mail for ten minutes and returns its id; null if another sender has it, or it was sent.
create or replace function private.claim_digest(workspace uuid, person uuid, kind text, period_start date, at timestamptz)
returns uuid
language sql
set search_path = ''
as $$
    insert into private.digests as d (workspace_id, user_id, kind, period_start, next_attempt_at)
    select m.workspace_id, m.user_id, $3, $4, $5 + interval '10 minutes'
    from public.members as m -- perhaps no longer
    where m.workspace_id = $1 and m.user_id = $2
    on conflict on constraint digests_once do update
        set attempts = least(d.attempts + 1, 1000), next_attempt_at = excluded.next_attempt_at
        where d.state = 'waiting' and d.next_attempt_at <= $5
    returning d.id
$$;
revoke all on function private.claim_digest(uuid, uuid, text, date, timestamptz) from public;

-- The token of a user's links, made once.
create or replace function private.unsubscribe_token(person uuid, offered text)
returns text
language sql
set search_path = ''
as $$
    insert into private.unsubscribing as t (user_id, token)
    values ($1, $2)
    on conflict (user_id) do update set token = t.token
    returning t.token
$$;
revoke all on function private.unsubscribe_token(uuid, text) from public;

-- Stops a kind of mails for whoever has this token in their links. The answer is the same for any token, so that it tells
-- nobody about accounts.
create or replace function public.stop_digests(token text, kind text)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    person constant uuid := (select t.user_id from private.unsubscribing as t where t.token = $1);
begin
    if person is not null then
        insert into public.user_preferences (user_id) values (person) on conflict do nothing;
        update public.user_preferences as p
        set
            weekly_digest = p.weekly_digest and $2 is distinct from 'weekly',
            monthly_digest = p.monthly_digest and $2 is distinct from 'monthly'
        where p.user_id = person;
    end if;
end
$$;
revoke all on function public.stop_digests(text, text) from public, service_role;
grant execute on function public.stop_digests(text, text) to anon, authenticated;

-- What happened in a workspace as far as the caller may know: anomalies of [first_day, last_day], subscriptions that go on, the
-- sources that bring data by themselves, and open findings.
create or replace function public.digest_events(first_day date, last_day date, workspace uuid default null)
returns json
language plpgsql
stable
set search_path = ''
as $$
declare
    tenant constant uuid := coalesce(workspace, auth.uid());
begin
    perform public.data_version(tenant); -- refuses who is no member
    return json_build_object(
        'anomalies', (
            select json_agg(f)
            from (
                select
                    a.kind, a.day, p.display_name as provider, a.model_name as model, a.actual_usd::text as actual_usd,
                    a.expected_usd::text as expected_usd
                from public.anomalies as a
                left join public.providers as p on a.provider_id = p.id
                where a.workspace_id = tenant and a.day between first_day and last_day and a.muted_at is null
                order by a.actual_usd - coalesce(a.expected_usd, 0) desc, a.day
                limit 50
            ) as f
        ),
        'subscriptions', (
            select json_agg(f)
            from (
                select
                    s.provider_id, s.plan_name, s.amount_usd::text as amount_usd, s.started_on, s.ended_on, s.renewal_day,
                    s.interval
                from public.subscriptions as s
                where s.workspace_id = tenant and (s.ended_on is null or s.ended_on > last_day)
                order by s.plan_name, s.id
            ) as f
        ),
        'sources', (
            select json_agg(f)
            from (
                select i.kind, i.format, i.filename as name, i.finished_at, c.last_error as problem
                from public.imports as i
                left join public.api_credentials as c on i.workspace_id = c.workspace_id and i.credential_id = c.id
                where
                    i.workspace_id = tenant
                    and i.kind <> 'file'
                    and i.is_enabled
                    and i.rows_imported > 0
                    and (c.id is null or c.is_active)
                order by i.finished_at, i.id
                limit 200
            ) as f
        ),
        'findings', (
            select json_agg(f.facts)
            from (
                select e.facts
                from public.alert_events as e
                where e.workspace_id = tenant and e.kind = 'idle' and e.state = 'open'
                order by e.occurred_at desc, e.subject
                limit 20
            ) as f
        )
    );
end
$$;
revoke all on function public.digest_events(date, date, uuid) from public, anon, service_role;
grant execute on function public.digest_events(date, date, uuid) to authenticated;

-- What a mail tells the caller, with the caller's rights and through the doors of the pages: costs by day from `since` to
-- `today`, those of [first_day, last_day] by project, what happened then, and the newest prediction of the month of `today`.
create or replace function public.digest_facts(
    since date, first_day date, last_day date, today date, workspace uuid default null
)
returns json
language plpgsql
stable
set search_path = ''
as $$
declare
    tenant constant uuid := coalesce(workspace, auth.uid());
    daily constant json := public.daily_costs(since, today, tenant); -- refuses who is no member
    month public.forecast_totals;
begin
    select t.* into month
    from public.forecast_totals as t
    where
        t.workspace_id = tenant
        and t.kind = 'month_end'
        and t.period_end = (date_trunc('month', today::timestamp) + interval '1 month' - interval '1 day')::date
        and num_nonnulls(t.provider_id, t.model_name, t.project_id) = 0
    order by t.created_at desc
    limit 1;
    return (
        select
            json_build_object(
                'name', w.name,
                'is_personal', w.personal_user_id is not null,
                'currency', coalesce(
                    (select p.currency from public.user_preferences as p where p.user_id = w.personal_user_id), w.currency
                ),
                'daily', daily,
                'begins_on', public.first_cost_day(tenant),
                'projects', (
                    select json_object_agg(p.id, p.name) from public.projects as p where p.workspace_id = tenant
                ),
                'by_project', case
                    when exists (select from public.projects as p where p.workspace_id = tenant)
                        then public.daily_costs(first_day, last_day, tenant, split => 'project')
                end,
                'events', public.digest_events(first_day, last_day, tenant),
                'month', case
                    when month.id is not null
                        then json_build_object(
                            'predicted_usd', month.predicted_cost_usd::text, 'spent_usd', month.spent_usd::text,
                            'low_usd', month.lower_bound_80::text, 'high_usd', month.upper_bound_80::text,
                            'days', (
                                select json_object_agg(f.forecast_date, f.predicted_cost_usd::text)
                                from public.forecast_results as f
                                where
                                    f.workspace_id = tenant
                                    and f.run_id = month.run_id
                                    and num_nonnulls(f.provider_id, f.model_name, f.project_id) = 0
                                    and f.forecast_date <= month.period_end
                            )
                        )
                end
            )
        from public.workspaces as w
        where w.id = tenant
    );
end
$$;
revoke all on function public.digest_facts(date, date, date, date, uuid) from public, anon, service_role;
grant execute on function public.digest_facts(date, date, date, date, uuid) to authenticated;
