-- Makes an exchange known that a file of candles names.
-- $1 exchange. TimescaleDB: not needed.
insert into public.exchanges (id, name) values ($1, $1) on conflict (id) do nothing
