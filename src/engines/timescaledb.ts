import type {Edition, Engine, EngineFacts, HeadingFacts} from './engine.js'
import {citusOnly, postgres} from './postgres.js'

/** TimescaleDB, community edition. Also used while its library is not loaded, since the edition cannot be read then. */
export const timescaledb = {
  name: 'timescaledb',
  title: 'TimescaleDB, community edition',
  recognises: (facts: EngineFacts) => facts.timescaledb !== null && !isApache(facts),
  edition: ({license}: EngineFacts): Edition | null => (license === null ? null : 'community'),
  heading: ({timescaledb: version, edition, embedded, workers}: HeadingFacts) => ({
    extension: `TimescaleDB ${version} ${edition ?? '(not loaded)'}`,
    workers: embedded ? 'no background workers' : `workers ${workers}`,
  }),
  extension: {
    name: 'timescaledb',
    title: 'TimescaleDB',
    oldest: [2, 18],
    reads: 'reports work on 2.15 and later',
    created: true,
  },
  variants: ['timescaledb'],
  layout: 'hypertables',
  lacks: citusOnly,
  sql: {
    tables: 'catalog/time-series',
    chunks: {names: 'catalog/chunks-names', relid: 'catalog/chunks-relid'},
    policies: 'catalog/live-policies',
    sizes: postgres.sql.sizes,
  },
} as const satisfies Engine

/** Without the library the license cannot be read; the extension then counts as the community edition. */
export function isApache({license}: Pick<EngineFacts, 'license'>): boolean {
  return license !== null && license !== 'timescale'
}
