-- Tablespaces that are attached to hypertables: new chunks go there on purpose.
-- One row a hypertable and tablespace. Locks catalogues only. TimescaleDB: 2.15
select hypertable_id as id, tablespace_name::text as tablespace from _timescaledb_catalog.tablespace
