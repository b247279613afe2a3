-- version: 1.18.0
-- description: Sizes of partitions before and after they were converted to columnar
create table qicore.columnar_partition (
  -- The partition that took the place of the former one.
  relation oid not null constraint columnar_partition_pkey primary key,
  name text not null,
  before_bytes bigint,
  after_bytes bigint,
  converted_at timestamptz not null default now()
);
comment on table qicore.columnar_partition is 'Bytes of partitions before and after a conversion to columnar, which PostgreSQL records nowhere.';
