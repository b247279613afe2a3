import type {Engine, EngineFacts, HeadingFacts} from './engine.js'
import {communityOnly, postgres} from './postgres.js'

/**
 * PostgreSQL with Citus: partition sets whose partitions may be distributed over workers. A table without a row in
 * pg_dist_partition is a table of plain PostgreSQL on the coordinator, where the schema qicore is too.
 */
export const citus = {
  ...postgres,
  name: 'citus',
  title: 'Citus',
  recognises: ({citus: version}: EngineFacts) => version !== null,
  heading: ({citus: extension}: HeadingFacts) => ({
    extension: extension === null ? null : `Citus ${extension.version}`,
    workers: null,
  }),
  extension: {
    name: 'citus',
    title: 'Citus',
    oldest: [11, 0],
    reads: 'reports work on it',
    created: {byHand: 'create extension citus on every node, then select citus_add_node(…) for each worker'},
  },
  variants: ['citus', 'postgres'],
  lacks: {
    ...communityOnly,
    hypertables: postgres.lacks.hypertables,
    policies: postgres.lacks.policies,
  },
} as const satisfies Engine
