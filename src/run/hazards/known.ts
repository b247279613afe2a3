import type {Hazard} from './hazard.js'
import {pgCronHazards} from './pg-cron.js'
import {timescaledbHazards} from './timescaledb.js'

export const knownHazards: readonly Hazard[] = [
  ...timescaledbHazards,
  {
    id: 'postgresql-14.4',
    product: 'postgresql',
    effect: 'loss',
    since: '14.0',
    fixedIn: ['14.4'],
    what: 'CREATE INDEX CONCURRENTLY and REINDEX CONCURRENTLY may make an index that misses rows.',
    touches: 'server',
    unsafe: null,
    source: 'https://www.postgresql.org/docs/release/14.4/',
  },
  ...(['14.14', '15.9', '16.5', '17.1'] as const).map((version, index): Hazard => {
    const fixed = (['14.15', '15.10', '16.6', '17.2'] as const)[index]!
    return {
      id: `postgresql-${fixed}`,
      product: 'postgresql',
      effect: 'failure',
      since: version,
      fixedIn: [fixed],
      what: 'The binary interface for extensions changed in this minor version: TimescaleDB built before it may crash.',
      touches: 'hypertables',
      unsafe: null,
      source: `https://www.postgresql.org/docs/release/${fixed}/`,
    }
  }),
  ...pgCronHazards,
]
