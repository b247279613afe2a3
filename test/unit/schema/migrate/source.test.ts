import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {OpsError} from '../../../../src/errors.js'
import type {EngineKind} from '../../../../src/engines/index.js'
import {compareVersions, migrationsFor, migrationSources, readStream} from '../../../../src/schema/migrate/source.js'
import {directoryWith} from '../../../helpers/files.js'

const file = (version: string, more = '') => `-- version: ${version}\n${more}select 1;\n`
const messageOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    expect(error).toBeInstanceOf(OpsError)
    expect((error as OpsError).exitCode).toBe(2)
    return (error as OpsError).message
  }
  throw new Error('nothing was refused')
}

describe('a directory of migrations', () => {
  it('is read with its headers, and files that are not SQL are ignored', () => {
    const directory = directoryWith({
      '0001_first_thing.sql': file('1.0.0', '-- description:  A first thing \n-- transaction: none\n'),
      '0002_second.sql': file('app.1.1.0'),
      'notes.md': 'not for us',
      'snapshot.json': '{}',
    })
    const {files} = readStream('app', directory, 'migrations')
    expect(files).toMatchObject([
      {
        number: '0001',
        name: 'first_thing',
        version: 'app.1.0.0',
        description: 'A first thing',
        transaction: 'none',
        engine: null,
        file: 'migrations/0001_first_thing.sql',
      },
      {number: '0002', name: 'second', version: 'app.1.1.0', description: 'second', transaction: 'own'},
    ])
  })

  it('that does not exist has no files', () => {
    expect(readStream('app', join(directoryWith({}), 'nowhere'), 'migrations').files).toEqual([])
  })

  it('reports all mistakes together, each with its file', () => {
    const directory = directoryWith({
      '1_short.sql': file('1.0.0'),
      '0001_Capital.sql': file('1.0.0'),
      '0002_none.sql': 'select 1;',
      '0003_odd.sql': file('one'),
      '0004_what.sql': file('1.4.0', '-- transaction: yes\n'),
      '0005_a.sql': file('1.5.0'),
      '0005_b.sql': file('1.5.0'),
      '0006_c.sql': file('1.5.0'),
      '0007_d.sql': file('1.7.0'),
      '0007_d.postgres.sql': file('1.7.1'),
    })
    const message = messageOf(() => readStream('app', directory, 'migrations'))
    for (const name of ['1_short', '0001_Capital', '0002_none', '0003_odd', '0004_what', '0005_b', '0006_c', '0007_d'])
      expect(message).toContain(`- migrations/${name}`)
    expect(message).toContain('has 8 mistakes')
  })

  it('has the same checksums with other line ends and a byte order mark, and different ones with different text', () => {
    const text = file('1.0.0')
    const of = (content: string) => readStream('app', directoryWith({'0001_a.sql': content}), 'm').files[0]!
    expect(of(text.replaceAll('\n', '\r\n')).checksum).toBe(of(text).checksum)
    expect(of(`\uFEFF${text}`)).toMatchObject({checksum: of(text).checksum, version: 'app.1.0.0'})
    expect(of(text.replace('1;', '2;')).checksum).not.toBe(of(text).checksum)
  })

  it('gives each engine its own file, else the one for all, else none', () => {
    const directory = directoryWith({
      '0001_a.sql': file('1.0.0'),
      '0002_b.sql': file('1.1.0'),
      '0002_b.postgres.sql': file('1.1.0'),
      '0010_c.timescaledb.sql': file('1.10.0'),
      '0009_d.apache.sql': file('1.9.0'),
    })
    const source = readStream('qicore', directory, 'qicore')
    const chosen = (engine: EngineKind) =>
      migrationsFor(source, engine).map(({version, source: found}) => [version, found?.file ?? null])
    expect(chosen('timescaledb')).toEqual([
      ['1.0.0', 'qicore/0001_a.sql'],
      ['1.1.0', 'qicore/0002_b.sql'],
      ['1.9.0', null],
      ['1.10.0', 'qicore/0010_c.timescaledb.sql'],
    ])
    expect(chosen('apache')).toEqual([
      ['1.0.0', 'qicore/0001_a.sql'],
      ['1.1.0', 'qicore/0002_b.sql'],
      ['1.9.0', 'qicore/0009_d.apache.sql'],
      ['1.10.0', null],
    ])
    expect(chosen('citus'), 'Citus takes the files of plain PostgreSQL').toEqual(chosen('postgres'))
    expect(chosen('postgres')).toEqual([
      ['1.0.0', 'qicore/0001_a.sql'],
      ['1.1.0', 'qicore/0002_b.postgres.sql'],
      ['1.9.0', null],
      ['1.10.0', null],
    ])
  })
})

describe('the packaged migrations', () => {
  it('have the specified versions in order', () => {
    const [core, qicore] = migrationSources(null)
    expect(migrationsFor(qicore!, 'timescaledb').map(({version}) => version)).toEqual([
      '1.0.0',
      '1.1.0',
      '1.2.0',
      '1.3.0',
      '1.4.0',
      '1.5.0',
      '1.6.0',
    ])
    const notFor = {timescaledb: ['1.6.0'], apache: ['1.2.0', '1.6.0'], postgres: ['1.2.0', '1.6.0'], citus: ['1.2.0']}
    for (const [engine, versions] of Object.entries(notFor))
      expect(
        migrationsFor(qicore!, engine as EngineKind)
          .filter(({source}) => source === null)
          .map(({version}) => version),
        engine,
      ).toEqual(versions)
    expect(
      migrationsFor(core!, 'postgres').every(({version, source}) => version.startsWith('core.') && source !== null),
    ).toBe(true)
  })
})

describe('versions', () => {
  it('are compared numerically', () => {
    expect(['1.10.0', '1.9.0', '1.0', 'app.1.9.1', '1.0.0'].sort(compareVersions)).toEqual([
      '1.0',
      '1.0.0',
      '1.9.0',
      'app.1.9.1',
      '1.10.0',
    ])
  })
})
