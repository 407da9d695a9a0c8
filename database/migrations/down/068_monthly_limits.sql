-- The way back from 068_monthly_limits.sql. The column is gone, and its limits are budgets.

do $$
begin
    null;
end
$$;
