-- Registers the exchange of a candle file if it does not exist yet.
-- $1 exchange. TimescaleDB: not needed.
insert into public.exchanges (id, name) values ($1, $1) on conflict (id) do nothing
