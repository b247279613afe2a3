-- version: 1.13.0
-- description: A routine that qicore.coverage replaces
drop function if exists qicore.retain_bucket(integer, regtype, bigint);
