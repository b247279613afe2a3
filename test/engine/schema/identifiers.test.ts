import {execFileSync} from 'node:child_process'
import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {is} from 'drizzle-orm'
import {getTableConfig, getViewConfig, PgTable, PgView} from 'drizzle-orm/pg-core'
import fc from 'fast-check'
import {afterAll, describe, expect, it} from 'vitest'
import {stringify} from 'yaml'
import type {z} from 'zod'
import {loadConfig} from '../../../src/config/load.js'
import {editConfig} from '../../../src/config/write.js'
import {formatQualifiedName, parseQualifiedName} from '../../../src/db/qualified-name.js'
import {quoteIdent} from '../../../src/db/sql.js'
import {engineNamed} from '../../../src/engines/index.js'
import {problemsOf} from '../../../src/schema/check.js'
import type {TableDefinition} from '../../../src/schema/definition.js'
import {drizzleModule} from '../../../src/schema/drizzle/module.js'
import {createAggregateTable, createContinuousAggregate} from '../../../src/schema/generate/aggregate.js'
import {findExtension} from '../../../src/schema/generate/files.js'
import {newMigration} from '../../../src/schema/migrate/new.js'
import {readStream} from '../../../src/schema/migrate/source.js'
import {constantNames, propertyNames} from '../../../src/schema/properties.js'
import {userTables} from '../../../src/schema/user-tables.js'
import {verifySchema} from '../../../src/schema/verify.js'
import {zodModule} from '../../../src/schema/zod/module.js'
import {root} from '../../helpers/build.js'
import {forEachEngine} from '../../helpers/engines.js'
import {directoryWith, temporaryDirectory} from '../../helpers/files.js'
import {grown, identifier, namedDefinitions} from '../../helpers/schema-names.js'
import {replay} from '../../helpers/schema-replay.js'

const given = fc.sample(namedDefinitions, 12)

describe('names of any kind', () => {
  it('are accepted in a definition', () => {
    fc.assert(
      fc.property(namedDefinitions, ({tables, aggregate, later}) => {
        expect(problemsOf({tables, aggregates: [aggregate]})).toEqual([])
        expect(problemsOf({tables: grown({tables, aggregate, later}), aggregates: []})).toEqual([])
      }),
    )
  })

  it('are parsed back unchanged', () => {
    fc.assert(
      fc.property(identifier, identifier, (schema, name) => {
        expect(parseQualifiedName(formatQualifiedName(schema, name))).toEqual({schema, name})
      }),
    )
  })

  it('become distinct properties and constants', () => {
    fc.assert(
      fc.property(fc.uniqueArray(identifier, {maxLength: 30}), (columns) => {
        const properties = propertyNames(columns)
        expect(new Set(properties.values()).size).toBe(columns.length)
        for (const property of properties.values()) expect(property in {}, property).toBe(false)
        const constants = constantNames(
          columns.map((name) => ({schema: 'public', name})),
          ['pgTable'],
        )
        expect(new Set([...constants, 'pgTable']).size).toBe(columns.length + 1)
      }),
    )
  })

  it('are kept in a configuration, and can be edited there', async () => {
    await fc.assert(
      fc.asyncProperty(namedDefinitions, async ({tables}) => {
        const entry = ({
          columns,
          primaryKey,
          uniques,
          checks,
          indexes,
          foreignKeys,
          hypertable,
          compression,
          doc,
        }: TableDefinition) => ({
          doc,
          columns,
          primaryKey,
          ...(uniques && {uniques}),
          ...(checks && {checks}),
          ...(indexes && {indexes}),
          ...(foreignKeys && {foreignKeys}),
          ...(hypertable && {
            hypertable: {time: hypertable.time, space: hypertable.space},
            chunkInterval: '1d',
            partitions: {every: 'month', ahead: 1},
          }),
          ...(compression && {compression}),
        })
        const file = join(
          directoryWith({
            'qicore-db.config.yaml': stringify({
              version: 1,
              tables: Object.fromEntries(
                tables.map((table) => [formatQualifiedName(table.schema, table.name), entry(table)]),
              ),
            }),
          }),
          'qicore-db.config.yaml',
        )
        const read = async () => userTables((await loadConfig(file)).tables).tables
        expect(await read()).toEqual(tables)
        const {schema, name, hypertable} = tables[1]
        await editConfig(file, [
          {
            section: 'tables',
            key: formatQualifiedName(schema, name),
            field: 'compression',
            value: {after: '3 days', segmentBy: [hypertable!.space!.column], orderBy: [hypertable!.time]},
          },
        ])
        expect(await read()).toEqual([
          tables[0],
          {
            ...tables[1],
            compression: {after: '3d', segmentBy: [hypertable!.space!.column], orderBy: [hypertable!.time]},
          },
        ])
      }),
      {numRuns: 40},
    )
  })
})

describe('generated code with names of any kind', () => {
  // Below the root, so that node_modules is found.
  mkdirSync(join(root, 'node_modules/.cache'), {recursive: true})
  const directory = mkdtempSync(join(root, 'node_modules/.cache/identifiers-'))
  afterAll(() => rmSync(directory, {recursive: true, force: true}))

  it('compiles under strict TypeScript, and has the names unchanged', async () => {
    for (const [index, {tables, aggregate}] of given.entries()) {
      const schema = {tables, aggregates: [aggregate]}
      writeFileSync(join(directory, `drizzle${index}.ts`), drizzleModule(schema))
      writeFileSync(join(directory, `zod${index}.ts`), await zodModule(schema, '../../../src/columns/index.js'))
    }
    writeFileSync(
      join(directory, 'tsconfig.json'),
      JSON.stringify({extends: join(root, 'tsconfig.json'), include: ['*.ts']}),
    )
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', directory], {
      encoding: 'utf8',
      stdio: 'pipe',
    })
    for (const [index, {tables, aggregate}] of given.entries()) {
      const relations = Object.values(
        (await import(pathToFileURL(join(directory, `drizzle${index}.ts`)).href)) as Record<string, unknown>,
      )
      // Two tables, the aggregate, their schema.
      expect(relations).toHaveLength(4)
      for (const table of tables) {
        const config = relations
          .filter((each) => is(each, PgTable))
          .map((each) => getTableConfig(each))
          .find(({name}) => name === table.name)!
        expect(config).toMatchObject({schema: table.schema})
        // Numeric keys come first in every JavaScript object.
        expect(config.columns.map(({name}) => name).sort()).toEqual(table.columns.map(({name}) => name).sort())
        expect(config.indexes.map(({config: {name}}) => name)).toEqual((table.indexes ?? []).map(({name}) => name))
        expect(config.checks.map(({name}) => name)).toEqual((table.checks ?? []).map(({name}) => name))
        expect(config.uniqueConstraints.map((each) => each.getName())).toEqual(
          (table.uniques ?? []).map(({name}) => name),
        )
        expect(config.foreignKeys.map((each) => each.getName())).toEqual(
          (table.foreignKeys ?? []).map(({name}) => name),
        )
      }
      expect(relations.filter((each) => is(each, PgView)).map((each) => getViewConfig(each).name)).toEqual([
        aggregate.name,
      ])
      const schemas = Object.values(
        (await import(pathToFileURL(join(directory, `zod${index}.ts`)).href)) as Record<string, z.ZodType>,
      )
      const [, ticks] = tables
      const properties = propertyNames(ticks.columns.map(({name}) => name))
      const values = ['2026-01-01T00:00:00Z', 'kraken', '1.5']
      const row = (price: string) =>
        Object.fromEntries(
          ticks.columns.slice(1, 4).map(({name}, at) => [properties.get(name)!, at === 2 ? price : values[at]!]),
        )
      expect(schemas.map((each) => each.safeParse(row('1.5')).success)).toContain(true)
      expect(schemas.map((each) => each.safeParse(row('0')).success)).not.toContain(true)
    }
  }, 300_000)
})

forEachEngine({}, (engine) => {
  it('SQL with names of any kind creates what verify expects, and so does a new migration', async () => {
    for (const named of given.slice(0, engine.native ? 4 : 2)) {
      const database = await engine.database()
      await replay(database, ['core'])
      const directory = join(temporaryDirectory(), 'migrations')
      const migrated = async (tables: readonly TableDefinition[]) => {
        const {files, cannot} = newMigration(readStream('app', directory, 'migrations'), 'next', {
          tables,
          aggregates: [],
        })
        expect(cannot).toEqual([])
        const file = engineNamed(engine.kind)
          .variants.map((variant) => files.find((path) => path.includes(`.${variant}.`)))
          .find((path) => path !== undefined)
        await database.run(readFileSync(file ?? files[0]!, 'utf8'))
      }
      const {tables, aggregate} = named
      await migrated(tables)
      expect(await verifySchema(database.db, {tables, aggregates: []})).toEqual([])
      const later = grown(named)
      expect((await verifySchema(database.db, {tables: later, aggregates: []})).map(({fix}) => fix !== null)).toEqual([
        true,
        !engine.hypertables,
        true,
      ])
      await migrated(later)
      expect(await verifySchema(database.db, {tables: later, aggregates: []})).toEqual([])

      const statements =
        engine.kind === 'timescaledb'
          ? [findExtension, createContinuousAggregate(aggregate)]
          : createAggregateTable(aggregate, tables[1], engine.kind === 'citus' ? 'plpgsql' : 'sql')
      await database.run(`${statements.join(';\n')};`)
      const [venue, price] = [tables[0].columns[0]!.name, tables[1].columns[3]!.name].map(quoteIdent)
      const at = ({schema, name}: {schema: string; name: string}) => `${quoteIdent(schema)}.${quoteIdent(name)}`
      await database.run(
        `insert into ${at(tables[0])} values ('kraken'); insert into ${at(tables[1])} (${venue}, ${price}) values ('kraken', 5)`,
      )
      expect(await database.run(`select * from ${at(aggregate)}`)).toEqual([])
    }
  }, 600_000)
})
