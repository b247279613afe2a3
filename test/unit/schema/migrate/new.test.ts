import {readFileSync, readdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import type {SchemaDefinition} from '../../../../src/schema/definition.js'
import {diffDefinitions} from '../../../../src/schema/diff.js'
import {newMigration, snapshotFile, snapshotText, streamForNew} from '../../../../src/schema/migrate/new.js'
import {packagedDirectory, readStream} from '../../../../src/schema/migrate/source.js'
import {qicore} from '../../../../src/qicore/definition.js'
import {temporaryDirectory, directoryWith} from '../../../helpers/files.js'

const read = (directory: string) => readStream('app', directory, 'migrations')

describe('a new migration', () => {
  it('gets the next number and version, and a header that parses back', () => {
    const directory = join(temporaryDirectory(), 'migrations')
    const first = newMigration(read(directory), 'First Thing', null)
    expect(first).toEqual({
      file: join(directory, '0001_first_thing.sql'),
      files: [join(directory, '0001_first_thing.sql')],
      version: 'app.1.0.0',
      statements: 0,
      cannot: [],
    })
    const second = newMigration(read(directory), 'add-index', null)
    expect(second).toMatchObject({file: join(directory, '0002_add_index.sql'), version: 'app.1.1.0'})
    expect(read(directory).files).toMatchObject([
      {version: 'app.1.0.0', description: 'first thing'},
      {version: 'app.1.1.0', description: 'add index'},
    ])
    expect(readdirSync(directory)).toEqual(['0001_first_thing.sql', '0002_add_index.sql'])
  })

  it('contains what was added to the definitions since the last one, reports what cannot be generated, and is empty the next time', () => {
    const directory = directoryWith({
      '0003_old.sql': '-- version: 1.2.0\nselect 1;\n',
      [snapshotFile]: snapshotText(qicore),
    })
    const [exchanges, ...tables] = qicore.tables
    const definitions: SchemaDefinition = {
      ...qicore,
      tables: [
        {...exchanges!, columns: [...exchanges!.columns.slice(0, -1), {name: 'country', type: 'text', nullable: true}]},
        ...tables,
      ],
    }
    const made = newMigration(read(directory), 'country', definitions)
    expect(made).toMatchObject({
      version: 'app.1.3.0',
      statements: 1,
      cannot: [expect.stringContaining('column public.exchanges.updated_at was removed')],
    })
    expect(readFileSync(made.file, 'utf8')).toBe(
      '-- version: 1.3.0\n-- description: country\n-- Not generated, write it yourself: column public.exchanges.updated_at was removed: dropping it would lose its values.\n\nalter table public.exchanges add column country text;\n',
    )
    expect(newMigration(read(directory), 'again', definitions)).toMatchObject({statements: 0, cannot: []})
  })

  it('refuses an invalid name, and a stream without a directory', () => {
    const directory = temporaryDirectory()
    for (const title of ['', '../x', 'a/b', 'é', 'x'.repeat(61)])
      expect(() => newMigration(read(directory), title, null), title).toThrow(/cannot be a file name/)
    expect(() => streamForNew('app', null)).toThrow(/are in migrations\/ beside qicore-db\.config\.yaml/)
    writeFileSync(join(directory, snapshotFile), '{"tables": [')
    expect(() => newMigration(read(directory), 'x', qicore)).toThrow(/snapshot\.json cannot be read/)
    for (const [text, problem] of [
      ['{"tables": 5, "aggregates": []}', 'tables'],
      ['null', 'the definition'],
      ['{"tables": [{"name": "x"}], "aggregates": []}', 'tables\\[0\\]\\.schema: is missing'],
    ]) {
      writeFileSync(join(directory, snapshotFile), text!)
      expect(() => newMigration(read(directory), 'x', qicore), text).toThrow(
        new RegExp(`snapshot\\.json is not a snapshot: ${problem}`),
      )
    }
  })
})

describe('the committed snapshot of QiCore', () => {
  it('equals the definitions as far as a migration can express them (else: qicore-db migrate new --stream qicore)', () => {
    const snapshot = JSON.parse(
      readFileSync(join(packagedDirectory('qicore'), snapshotFile), 'utf8'),
    ) as SchemaDefinition
    expect(diffDefinitions(snapshot, qicore)).toEqual({statements: [], cannot: []})
  })
})
