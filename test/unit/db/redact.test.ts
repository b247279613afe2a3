import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {redact, withoutCredentials, withoutPassword} from '../../../src/db/redact.js'
import {connectionParameters} from '../../../src/db/libpq.js'
import {OpsError} from '../../../src/errors.js'

/** Long enough that no part of it occurs in the URL by chance. */
const password = fc
  .oneof(
    fc.string({unit: 'grapheme-ascii', minLength: 6, maxLength: 30}),
    fc.string({unit: 'binary', minLength: 6, maxLength: 20}),
    fc.string({
      unit: fc.constantFrom('@', '/', ':', '?', '#', '%', '&', '=', "'", ' ', 'p', '7'),
      minLength: 6,
      maxLength: 20,
    }),
  )
  .filter((given) => given.trim().length >= 6)
const where = 'db1.example:5432/market?application_name=x'

/** Every piece of the password that is long enough to be secret. */
function leaks(shown: string, secret: string): boolean {
  for (let at = 0; at + 5 <= secret.length; at += 1)
    if (shown.includes(secret.slice(at, at + 5)) && !`postgres://role:***@${where}`.includes(secret.slice(at, at + 5)))
      return true
  return false
}

describe('redact', () => {
  it.each([
    ['postgres://role:secret@host/db', 'postgres://role:***@host/db'],
    ['postgres://role@host/db', 'postgres://role@host/db'],
    ['postgres://role@host:5432/db', 'postgres://role@host:5432/db'],
    ['postgres://host:5432/db', 'postgres://host:5432/db'],
    ['postgres://role:se@cret@host/db', 'postgres://role:***@host/db'],
    ['postgres:///db?user=u&password=secret&host=/run', 'postgres:///db?user=u&password=***&host=/run'],
    ['host=h password=secret dbname=d', 'host=h password=*** dbname=d'],
    ["host=h password='se cr\\'et' dbname=d", 'host=h password=*** dbname=d'],
    ['cannot reach postgres://u:secret@h/d today', 'cannot reach postgres://u:***@h/d today'],
    ['embedded:/data/db', 'embedded:/data/db'],
  ])('%s becomes %s', (text, shown) => {
    expect(redact(text)).toBe(shown)
  })

  it('hides any password in the userinfo of a URL, encoded or not', () => {
    fc.assert(
      fc.property(password, (secret) => {
        expect(leaks(redact(`postgres://role:${secret}@${where}`), secret)).toBe(false)
        expect(redact(`postgres://role:${encodeURIComponent(secret)}@${where}`)).toBe(`postgres://role:***@${where}`)
      }),
      {numRuns: 2000},
    )
  })

  it('hides any encoded password in the parameters and within a sentence', () => {
    fc.assert(
      fc.property(password, (secret) => {
        const encoded = encodeURIComponent(secret)
        expect(redact(`postgres://role@db1/market?password=${encoded}&sslmode=require`)).toBe(
          'postgres://role@db1/market?password=***&sslmode=require',
        )
        expect(redact(`cannot connect to postgres://role:${encoded}@db1/market now`)).toBe(
          'cannot connect to postgres://role:***@db1/market now',
        )
      }),
    )
  })
})

it('shows no part of a password if a URL cannot be parsed, and takes no part of it for a host or database', () => {
  fc.assert(
    fc.property(
      password,
      fc.constantFrom('postgres://role:', 'postgresql://role:', 'postgres://:', 'mysql://role:', 'role:'),
      (secret, before) => {
        const url = `${before}${secret}@${where}`
        try {
          const {host, port, dbname, password: read} = connectionParameters(url, {})
          expect({host, port, dbname}, url).toEqual({host: 'db1.example', port: '5432', dbname: 'market'})
          expect(read).toBeDefined()
        } catch (error) {
          if (!(error instanceof OpsError)) throw error
          expect(
            leaks(`${error.message} ${error.suggestions.join(' ').replaceAll(/%\w\w/g, '')}`, secret),
            error.message,
          ).toBe(false)
          expect(error.exitCode).toBe(2)
        }
      },
    ),
    {numRuns: 2000},
  )
})

it('decodes any encoded password unchanged', () => {
  fc.assert(
    fc.property(fc.string({unit: 'binary', minLength: 1}), (secret) => {
      expect(connectionParameters(`postgres://role:${encodeURIComponent(secret)}@db1/market`, {}).password).toBe(secret)
      expect(
        connectionParameters(`postgres://role@db1/market?password=${encodeURIComponent(secret)}`, {}).password,
      ).toBe(secret)
    }),
  )
})

describe('a URL without credentials', () => {
  it.each([
    ['postgres://role:secret@host/db', 'postgres://host/db'],
    ['postgres://role@host:5432/db?sslmode=require', 'postgres://host:5432/db?sslmode=require'],
    ['postgres://host:5432/db', 'postgres://host:5432/db'],
    ['postgres://role:se@cret@host/db', 'postgres://host/db'],
    ['postgres:///db?user=u&password=secret&host=/run', 'postgres:///db?host=/run'],
    ['postgres://role:secret?x@host/db', 'postgres://host/db'],
    ['postgres://role@[::1]:5432/db', 'postgres://[::1]:5432/db'],
    ['embedded:/data/db', 'embedded:/data/db'],
  ])('%s becomes %s', (url, shown) => {
    expect(withoutCredentials(url)).toBe(shown)
  })

  it('has neither the user nor any part of the password, encoded or not', () => {
    fc.assert(
      fc.property(password, (secret) => {
        for (const url of [
          `postgres://zorro:${secret}@${where}`,
          `postgres://zorro:${encodeURIComponent(secret)}@${where}`,
        ]) {
          const shown = withoutCredentials(url)
          expect(leaks(shown, secret)).toBe(false)
          expect(shown).not.toContain('zorro')
        }
        expect(withoutCredentials(`postgres://zorro:${encodeURIComponent(secret)}@${where}`)).toBe(
          `postgres://${where}`,
        )
        expect(
          withoutCredentials(`postgres://db1/market?user=zorro&password=${encodeURIComponent(secret)}&sslmode=require`),
        ).toBe('postgres://db1/market?sslmode=require')
      }),
      {numRuns: 2000},
    )
  })
})

describe('a URL without its password', () => {
  it.each([
    ['postgres://role:secret@host/db', 'postgres://role@host/db'],
    ['postgres://role@host:5432/db?sslmode=require', 'postgres://role@host:5432/db?sslmode=require'],
    ['postgres://host:5432/db', 'postgres://host:5432/db'],
    ['postgres:///db?user=u&password=secret&host=/run', 'postgres:///db?user=u&host=/run'],
    ['embedded:data/db', 'embedded:data/db'],
    ['host=h password=secret', undefined],
    ['role:secret@host/db', undefined],
    ['postgres://role:secret', undefined],
    ['postgres://role:se/cret?x@host/db', 'postgres://role@host/db'],
    ['postgres://role@host/db?application_name=a:b@c', undefined],
  ])('%s becomes %s', (url, shown) => {
    expect(withoutPassword(url)).toBe(shown)
  })

  it('has no part of the password, encoded or not', () => {
    fc.assert(
      fc.property(password, (secret) => {
        for (const url of [
          `postgres://role:${secret}@${where}`,
          `postgres://role@${where}&password=${encodeURIComponent(secret)}`,
        ])
          expect(leaks(withoutPassword(url) ?? '', secret)).toBe(false)
        expect(withoutPassword(`postgres://role:${encodeURIComponent(secret)}@${where}`)).toBe(
          `postgres://role@${where}`,
        )
      }),
      {numRuns: 2000},
    )
  })
})
