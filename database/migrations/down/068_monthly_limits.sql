-- The way back from 068_monthly_limits.sql: the column is gone, and its limits are budgets.

do $$
begin
    null;
end
$$;
