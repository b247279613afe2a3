import {readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {rememberedTables, rememberTables} from '../../../src/cli/completion/known-tables.js'
import {temporaryDirectory} from '../../helpers/files.js'

const rows = [
  {schema: 'public', table: 'ticks', kind: 'hypertable'},
  {schema: 'desk B', table: 'quotes', kind: 'partitioned'},
  {schema: 'public', table: 'ticks_1h', kind: 'aggregate'},
]
const expected = {tables: ['ticks', '"desk B".quotes'], aggregates: ['ticks_1h']}
const url = 'postgres://ops:s3cret@db.example:5432/market?sslpassword=s3cret'

it('names of a database are found by its URL, with or without its credentials, and by nothing else', () => {
  const env = {XDG_CACHE_HOME: temporaryDirectory()}
  rememberTables({url}, rows, env)
  expect(rememberedTables({url}, env)).toEqual(expected)
  expect(rememberedTables({url: 'postgres://db.example:5432/market'}, env)).toEqual(expected)
  expect(rememberedTables({url: 'postgres://db.example:5432/other'}, env)).toEqual({tables: [], aggregates: []})
  // One database of a target that is a server.
  expect(rememberedTables({url, database: 'other'}, env)).toEqual({tables: [], aggregates: []})
  const libpq = {...env, PGHOST: 'db.example', PGDATABASE: 'market'}
  rememberTables({url: ''}, rows.slice(0, 1), libpq)
  expect(rememberedTables({url: ''}, libpq)).toEqual({tables: ['ticks'], aggregates: []})
  expect(rememberedTables({url: ''}, {...libpq, PGDATABASE: 'other'})).toEqual({tables: [], aggregates: []})
})

it('the file has no credential, and only its owner reads it', () => {
  const env = {HOME: temporaryDirectory()}
  rememberTables({url}, rows, env)
  const directory = join(env.HOME, '.cache/qicore-db')
  const [name, ...others] = readdirSync(directory)
  expect(others).toEqual([])
  expect(name! + readFileSync(join(directory, name!), 'utf8')).not.toMatch(/s3cret|ops/)
  expect(statSync(join(directory, name!)).mode & 0o777).toBe(0o600)
})

it('the newest fifty databases are kept, and a thousand names of each', () => {
  const env = {XDG_CACHE_HOME: temporaryDirectory()}
  const many = Array.from({length: 1_200}, (_, at) => ({schema: 'public', table: `t${at}`, kind: 'hypertable'}))
  for (let at = 0; at < 53; at += 1) rememberTables({url: `postgres://db.example/d${at}`}, many, env)
  expect(readdirSync(join(env.XDG_CACHE_HOME, 'qicore-db'))).toHaveLength(50)
  expect(rememberedTables({url: 'postgres://db.example/d52'}, env).tables).toHaveLength(1_000)
})

it('a directory that cannot be written and a file that is broken are no failure', () => {
  const file = join(temporaryDirectory(), 'file')
  writeFileSync(file, '')
  rememberTables({url}, rows, {XDG_CACHE_HOME: file})
  expect(rememberedTables({url}, {XDG_CACHE_HOME: file})).toEqual({tables: [], aggregates: []})
  rememberTables({url}, rows, {})
  const env = {XDG_CACHE_HOME: temporaryDirectory()}
  rememberTables({url}, rows, env)
  const [name] = readdirSync(join(env.XDG_CACHE_HOME, 'qicore-db'))
  for (const text of ['{', '[]', 'null', '{"tables": [1, "a"]}']) {
    writeFileSync(join(env.XDG_CACHE_HOME, 'qicore-db', name!), text)
    expect(rememberedTables({url}, env)).toEqual({tables: text.includes('"a"') ? ['a'] : [], aggregates: []})
  }
})
