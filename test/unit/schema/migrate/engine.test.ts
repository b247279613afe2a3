import {describe, expect, it} from 'vitest'
import type {Server} from '../../../../src/db/server.js'
import {chooseEngine, expectedEngine} from '../../../../src/schema/migrate/engine.js'

const server = (over: Partial<Server>) =>
  ({
    engine: 'postgres',
    timescaledb: null,
    timescaledbAvailable: '2.22.1',
    preloaded: ['timescaledb'],
    ...over,
  }) as Server

describe('the engine that migrate status lists', () => {
  it('is the one that migrate up would choose: TimescaleDB if the server has it preloaded', () => {
    expect(expectedEngine(server({}), [], false)).toEqual({
      engine: 'timescaledb',
      note: 'Engine: migrate up creates the extension timescaledb 2.22.1: the server has it preloaded.',
    })
    expect(chooseEngine(server({}), [], undefined, false).engine).toBe('timescaledb')
  })

  it('is plain PostgreSQL if the extension is not available or not preloaded, unless --engine is given', () => {
    expect(expectedEngine(server({timescaledbAvailable: null}), [], false)).toEqual({engine: 'postgres', note: null})
    expect(expectedEngine(server({preloaded: []}), [], false)).toMatchObject({
      engine: 'postgres',
      note: expect.stringContaining('not preloaded') as string,
    })
    expect(expectedEngine(server({}), [], true)).toMatchObject({
      engine: 'postgres',
      note: expect.stringContaining('migrate up requires --engine') as string,
    })
    expect(() => chooseEngine(server({}), [], undefined, true)).toThrow(/the extension timescaledb is available/)
  })

  it('is the engine of the database once the extension is created or a migration is recorded', () => {
    expect(expectedEngine(server({engine: 'apache', timescaledb: '2.22.1'}), [], true)).toEqual({
      engine: 'apache',
      note: null,
    })
    expect(
      expectedEngine(
        server({}),
        [
          {
            version: '1.0.0',
            stream: 'qicore',
            description: null,
            engine: 'postgres',
            checksum: null,
            appliedAt: '2026-01-01T00:00:00Z',
          },
        ],
        false,
      ),
    ).toEqual({engine: 'postgres', note: null})
  })
})
