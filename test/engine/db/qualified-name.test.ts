import {execFileSync} from 'node:child_process'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {formatQualifiedName, parseQualifiedName, shortName} from '../../../src/db/qualified-name.js'
import {shellWord} from '../../../src/units/command.js'
import {sql} from '../../../src/db/sql.js'
import {forEachEngine} from '../../helpers/engines.js'

// Half of a surrogate pair is not a character and cannot be sent.
const wellFormed = (text: string) => Buffer.from(text).toString() === text
const name = fc
  .string({unit: 'grapheme', minLength: 1, maxLength: 20})
  .filter((text) => !text.includes('\0') && wellFormed(text) && Buffer.byteLength(text) <= 63)

describe('names of tables', () => {
  it.each([
    ['prices', null, 'prices'],
    ['Market.Prices', 'market', 'prices'],
    [' market . prices ', 'market', 'prices'],
    ['risk."Fills 2024"', 'risk', 'Fills 2024'],
    ['"a.b"."c""d"', 'a.b', 'c"d'],
    ['schéma.tableÉ', 'schéma', 'tableÉ'],
    ['t$1', null, 't$1'],
    ['select', null, 'select'],
  ])('%s is parsed as by PostgreSQL', (text, schema, table) => {
    expect(parseQualifiedName(text)).toEqual({schema, name: table})
  })

  it.each([
    '',
    ' ',
    'a.b.c',
    '1a',
    'a b',
    '"a',
    'a"',
    '"".a',
    'a.',
    '.a',
    'a;drop table b',
    'a--',
    'a.*',
    '"a\0b"',
    "a'",
  ])('%j is refused with exit 2', (text) => {
    expect(() => parseQualifiedName(text)).toThrow(expect.objectContaining({code: 'BAD_NAME', exitCode: 2}))
  })

  it('pass unchanged through a shell if a suggested command is pasted', () => {
    fc.assert(
      fc.property(name, name, (schema, table) => {
        const read = execFileSync('sh', ['-c', `printf %s ${shellWord(shortName(schema, table))}`], {encoding: 'utf8'})
        expect(parseQualifiedName(read)).toEqual({schema: schema === 'public' ? null : schema, name: table})
      }),
      {
        numRuns: 50,
        examples: [
          ['risk', "it's $HOME `id` \\"],
          ['public', 'Fills 2024'],
          ['public', '-n'],
        ],
      },
    )
    expect(shellWord(shortName('public', 'ohlcv_data'))).toBe('ohlcv_data')
  })

  it('are parsed back unchanged, whatever they contain', () => {
    fc.assert(
      fc.property(
        name,
        name,
        (schema, table) =>
          void expect(parseQualifiedName(formatQualifiedName(schema, table))).toEqual({schema, name: table}),
      ),
    )
    fc.assert(
      fc.property(
        name,
        (table) => void expect(parseQualifiedName(shortName('public', table))).toEqual({schema: null, name: table}),
      ),
    )
  })

  it('are truncated at 63 bytes, never within a character', () => {
    expect(parseQualifiedName('x'.repeat(70)).name).toBe('x'.repeat(63))
    expect(parseQualifiedName(`"${'é'.repeat(40)}"`).name).toBe('é'.repeat(31))
  })
})

forEachEngine({}, (engine) => {
  it('are parsed as by the server', async () => {
    const {db} = await engine.database()
    const character = fc.oneof(
      {weight: 3, arbitrary: fc.constantFrom('"', '.', ' ', 'a', 'B', '_', '1', '$', 'é')},
      {weight: 1, arbitrary: fc.string({unit: 'grapheme', minLength: 1, maxLength: 1})},
    )
    const text = fc
      .array(character, {maxLength: 10})
      .map((characters) => characters.join(''))
      .filter((each) => !each.includes('\0') && wellFormed(each))
    const texts = fc.sample(text, 300)
    for (const each of [...texts, 'a."b"', '"a" . B', 'a . "b""c"']) {
      const theirs = await db.query<{parts: string[]}>(sql`select parse_ident(${each}) as parts`).then(
        ([row]) => row!.parts,
        () => null,
      )
      let ours: string[] | null
      try {
        const entry = parseQualifiedName(each)
        ours = entry.schema === null ? [entry.name] : [entry.schema, entry.name]
      } catch {
        ours = null
      }
      expect({text: each, parts: ours}).toEqual({
        text: each,
        parts: theirs === null || theirs.length > 2 ? null : theirs,
      })
    }
  })
})
