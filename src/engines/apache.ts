import type {Edition, Engine, EngineFacts} from './engine.js'
import {citusOnly, communityOnly} from './postgres.js'
import {isApache, timescaledb} from './timescaledb.js'

/** TimescaleDB under the Apache license: hypertables without policies, compression or continuous aggregates. */
export const apache = {
  ...timescaledb,
  name: 'apache',
  title: 'TimescaleDB, Apache edition',
  recognises: (facts: EngineFacts) => facts.timescaledb !== null && isApache(facts),
  edition: (): Edition => 'apache',
  variants: ['apache'],
  lacks: {
    ...communityOnly,
    ...citusOnly,
    policies: {
      why: 'the Apache edition of TimescaleDB does not run it',
      suggestions: ["set timescaledb.license = 'timescale', or remove the policy"],
    },
  },
} as const satisfies Engine
