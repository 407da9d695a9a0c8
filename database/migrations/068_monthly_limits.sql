-- 068_monthly_limits.sql: the monthly limit that was a setting of an account becomes the first budget of its personal workspace.

-- Only where migrations of before made the column. An amount that was typed in another currency stays as it was typed.
do $$
begin
    if not exists (
        select
        from pg_catalog.pg_attribute as a
        where a.attrelid = 'public.user_preferences'::regclass and a.attname = 'monthly_limit_usd' and not a.attisdropped
    ) then
        return;
    end if;
    execute $move$
        with typed as (
            select
                p.user_id, p.monthly_limit_usd, p.metadata #>> '{monthly_limit,amount}' as amount,
                p.metadata #>> '{monthly_limit,currency}' as currency
            from public.user_preferences as p
            where p.monthly_limit_usd is not null
        ),

        added as (
            insert into public.budgets (workspace_id, name, amount, currency, created_by)
            select
                t.user_id,
                'Monthly limit',
                case when k.is_usable then t.amount::numeric else t.monthly_limit_usd end,
                case when k.is_usable then t.currency else 'USD' end,
                t.user_id
            from typed as t
            cross join lateral (
                select
                    coalesce(
                        t.currency = any (private.budget_currencies())
                        and t.amount ~ '^[0-9]{1,11}([.][0-9]{1,10})?$' and t.amount ~ '[1-9]',
                        false
                    ) as is_usable
            ) as k
            returning workspace_id, id
        )

        insert into public.budget_thresholds (workspace_id, budget_id, kind, percent)
        select a.workspace_id, a.id, t.kind, t.percent
        from added as a
        cross join (values ('actual', 80), ('actual', 100), ('forecast', 100)) as t (kind, percent)
    $move$;
    execute 'alter table public.user_preferences drop column monthly_limit_usd';
    perform private.audit_changes_of('public.user_preferences', array['currency'], array['update']);
end
$$;
