import type {Engine, Lack} from './engine.js'

const ofCommunity = (what: string, ...suggestions: string[]): Lack => ({
  why: `${what} TimescaleDB's community edition only`,
  suggestions,
})

/** What both engines without TimescaleDB's community edition lack. */
export const communityOnly = {
  compression: ofCommunity('compression is', 'Retention and refresh work on every engine.'),
  reorder: ofCommunity('reorder is'),
  continuousAggregates: ofCommunity('continuous aggregates are'),
}

/** What every engine but Citus lacks. */
export const citusOnly = {
  columnar: {why: 'columnar partitions need Citus', suggestions: []},
  distribution: {why: 'distributed tables need Citus', suggestions: []},
}

/**
 * PostgreSQL without TimescaleDB: time-series tables are partition sets. Last in the registry: it matches everything.
 */
export const postgres = {
  name: 'postgres',
  title: 'plain PostgreSQL',
  recognises: () => true,
  edition: () => null,
  heading: () => ({extension: null, workers: null}),
  extension: null,
  variants: ['postgres'],
  layout: 'partitions',
  lacks: {
    ...communityOnly,
    ...citusOnly,
    hypertables: {why: 'there are no hypertables without TimescaleDB', suggestions: []},
    policies: {why: 'PostgreSQL has no scheduler that runs policies', suggestions: []},
  },
  sql: {
    tables: null,
    chunks: null,
    policies: null,
    sizes: {
      byRelation: 'catalog/sizes-by-relation',
      byFile: 'catalog/sizes-by-file',
      estimates: 'catalog/size-estimates',
    },
  },
} as const satisfies Engine
