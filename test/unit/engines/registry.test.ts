import {existsSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {describe, expect, it} from 'vitest'
import {sqlDirectory} from '../../../src/db/load-sql.js'
import type {Capability, EngineSql} from '../../../src/engines/engine.js'
import {can, engineNamed, engines, lackOf, recogniseEngine} from '../../../src/engines/index.js'

describe('the engine of a database', () => {
  it.each([
    {timescaledb: '2.29.2', license: 'timescale', engine: 'timescaledb', edition: 'community'},
    {timescaledb: '2.22.1', license: 'apache', engine: 'apache', edition: 'apache'},
    // The library is not loaded. Taken for the Apache edition, the database would get advice to migrate.
    {timescaledb: '2.22.1', license: null, engine: 'timescaledb', edition: null},
    // Preloaded on the server, but not created in this database.
    {timescaledb: null, license: 'timescale', engine: 'postgres', edition: null},
    {timescaledb: null, license: null, engine: 'postgres', edition: null},
    {timescaledb: null, license: null, citus: '13.2-1', engine: 'citus', edition: null},
    {timescaledb: null, license: 'timescale', citus: '11.0-4', engine: 'citus', edition: null},
  ])(
    'is $engine with TimescaleDB $timescaledb, license $license and Citus $citus',
    ({engine, edition, citus = null, ...rest}) => {
      const facts = {citus, ...rest}
      const found = recogniseEngine(facts)
      expect([found.name, found.edition(facts)]).toEqual([engine, edition])
    },
  )

  it('is recognised by exactly one engine before the last, which takes the rest', () => {
    for (const license of ['timescale', 'apache', null])
      expect(
        engines.slice(0, -1).filter((engine) => engine.recognises({timescaledb: '2.29.2', license, citus: null})),
        `license ${license}`,
      ).toHaveLength(1)
    expect(engines.at(-1)!.recognises({timescaledb: null, license: null, citus: null})).toBe(true)
  })

  it('is in the heading with what it adds to PostgreSQL', () => {
    const facts = {timescaledb: '2.22.1', edition: 'apache', embedded: false, workers: 'dead', citus: null} as const
    expect(engineNamed('apache').heading(facts)).toEqual({
      extension: 'TimescaleDB 2.22.1 apache',
      workers: 'workers dead',
    })
    expect(engineNamed('timescaledb').heading({...facts, edition: null, embedded: true})).toEqual({
      extension: 'TimescaleDB 2.22.1 (not loaded)',
      workers: 'no background workers',
    })
    expect(engineNamed('postgres').heading({...facts, timescaledb: null, edition: null})).toEqual({
      extension: null,
      workers: null,
    })
    expect(
      engineNamed('citus').heading({...facts, timescaledb: null, edition: null, citus: {version: '13.2-1'}}),
    ).toEqual({extension: 'Citus 13.2-1', workers: null})
  })
})

describe('what an engine can do', () => {
  const capabilities: Capability[] = [
    'hypertables',
    'policies',
    'compression',
    'reorder',
    'continuousAggregates',
    'columnar',
    'distribution',
  ]

  it('is everything in the community edition, hypertables in the Apache edition, and neither in PostgreSQL', () => {
    const able = (name: Parameters<typeof can>[0]) => capabilities.filter((capability) => can(name, capability))
    expect(able('timescaledb')).toEqual(
      capabilities.filter((capability) => !['columnar', 'distribution'].includes(capability)),
    )
    expect(able('apache')).toEqual(['hypertables'])
    expect(able('postgres')).toEqual([])
    expect(able('citus')).toEqual(['columnar', 'distribution'])
  })

  it('comes with the reason if it cannot: a clause that sentences end with', () => {
    for (const {name} of engines)
      for (const capability of capabilities) {
        const lack = lackOf(name, capability)
        if (lack !== null) expect(lack.why, `${name} ${capability}`).toMatch(/^\w.*[^.]$/)
      }
    expect(lackOf('postgres', 'compression')!.why).toBe("compression is TimescaleDB's community edition only")
  })

  it('is read by SQL of the package, and chunks are read if there are hypertables', () => {
    const namesOf = ({tables, chunks, policies, sizes}: EngineSql) =>
      [tables, policies, ...Object.values(chunks ?? {}), ...Object.values(sizes)].filter((name) => name !== null)
    for (const {name, sql} of engines) {
      const missing = namesOf(sql).filter((file) => !existsSync(fileURLToPath(new URL(`${file}.sql`, sqlDirectory))))
      expect(missing, name).toEqual([])
      expect(
        [sql.tables, sql.chunks, sql.policies].every((file) => (file !== null) === can(name, 'hypertables')),
        name,
      ).toBe(true)
    }
  })
})
