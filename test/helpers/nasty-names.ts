import fc from 'fast-check'

/** Parts of names that have a meaning in SQL, psql or PL/pgSQL. */
const pieces = [
  "'",
  '"',
  "''",
  '""',
  '\\',
  "\\'",
  '$',
  '$$',
  '$1',
  '$body$',
  '$body1$',
  '$drop$',
  '$guard$',
  ';',
  '--',
  '/*',
  '*/',
  '\n',
  '\r',
  '\t',
  ' ',
  '.',
  ',',
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
  '%',
  '%I',
  '%s',
  ':',
  ':x',
  ":'x'",
  '\\q',
  '\n\\q\n',
  'E',
  'a',
  'Z',
  '0',
  '_',
  'é',
  'ß',
  '漢',
  '🦀',
  '\u00a0',
  '\u200b',
  '\u2028',
  'select',
  'end',
  'null',
  'rollback;',
  '\ncommit;\n',
]

const bytes = (text: string) => Buffer.byteLength(text)

/** A name of 1 to `most` bytes of UTF-8, as PostgreSQL stores it: at most 63. */
export function nastyName(most = 63): fc.Arbitrary<string> {
  const joined = fc.array(fc.constantFrom(...pieces), {minLength: 1, maxLength: 12}).map((parts) => parts.join(''))
  const long = fc.constantFrom(...pieces).map((piece) => piece.repeat(Math.floor(most / bytes(piece))))
  return fc
    .oneof({weight: 5, arbitrary: joined}, {weight: 1, arbitrary: long})
    .filter((name) => name !== '' && bytes(name) <= most)
}

/** Names that broke a builder once, or are the most obvious attempts. */
export const attacks = [
  '$drop$;rollback;drop table canary;--',
  '$body$;rollback;drop table canary;--',
  '$guard$;drop table canary;--',
  "';drop table canary;--",
  '";drop table canary;--',
  "\\';drop table canary;--",
  '\ndrop table canary;--',
  '\r\ndrop table canary;--',
  '*/drop table canary;/*',
  '$1',
]
