-- Maintains QiCore's tables, for a schedule: CALL maintain_hypertables()
-- since: 1.5.0
create or replace procedure public.maintain_hypertables()
language plpgsql
as $$
begin
  call qicore.maintain(array['public.crypto_prices', 'public.ohlcv_data', 'public.market_analytics', 'public.level1_data']);
end
$$;
