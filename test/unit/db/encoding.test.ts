import {readdirSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {expect, it} from 'vitest'
import {encoderFor} from '../../../src/db/encoding.js'
import {userStatement} from '../../../src/db/sql.js'
import {loadSql, sqlDirectory} from '../../../src/db/load-sql.js'

const asked = {text: 'select $1 -- …', values: ['a…', ['b…', 'c'], 1, null], name: 'n'} as const

it.each(['LATIN1', 'LATIN10', 'ISO_8859_5', 'KOI8R'])('%s has no ellipsis, so three points are sent', (encoding) => {
  expect(encoderFor(encoding)(asked)).toEqual({
    text: 'select $1 -- ...',
    values: ['a...', ['b...', 'c'], 1, null],
    name: 'n',
  })
})

it('SQL of the user is sent as it is', () => {
  const own = userStatement("select '…'")
  expect(encoderFor('LATIN1')(own)).toBe(own)
})

it.each(['UTF8', 'SQL_ASCII', 'WIN1252', 'EUC_JP', null])(
  'a database in %s gets the statement as it is',
  (encoding) => {
    expect(encoderFor(encoding)(asked)).toBe(asked)
  },
)

it('the SQL files have no other character that is not ASCII', () => {
  const files = readdirSync(fileURLToPath(sqlDirectory), {recursive: true, encoding: 'utf8'})
  const texts = files.filter((file) => file.endsWith('.sql')).map((file) => [file, loadSql(file.slice(0, -4))] as const)
  expect(texts.filter(([, text]) => !/^[\t\n -~…]*$/.test(text)).map(([file]) => file)).toEqual([])
})
