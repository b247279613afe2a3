import Big from 'big.js'

/** Where a line stops being JSON, counted from 1. */
export class JsonError extends Error {
  constructor(
    readonly column: number,
    message: string,
  ) {
    super(message)
  }
}

const deepest = 100
const number = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
const escapes: Record<string, string> = {'"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t'}

/**
 * One JSON value, read strictly: JSON.parse takes the last of two equal keys and rounds numbers to a double, without a
 * word. Numbers of more than fifteen digits come as Big or bigint.
 * @throws JsonError
 */
export function parseJsonLine(text: string): unknown {
  // JSON.parse is several times faster; where nothing in the line could go wrong in it, it is used.
  if (suspicious.test(text)) return parseStrictly(text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return parseStrictly(text)
  }
  return keysIn(value) === keysWritten(text) ? value : parseStrictly(text)
}

/** Escapes, which hide the end of a text; __proto__; numbers that a double may not hold. */
const suspicious = /\\|__proto__|[:,[]\s*-?(?:[\d.]{16}|[\d.]+[eE])|^-?[\d.]+$/

/** At least as many as there are: a colon after a quote may also begin a text. */
function keysWritten(text: string): number {
  let count = 0
  for (let at = text.indexOf(':'); at >= 0; at = text.indexOf(':', at + 1)) {
    let before = at - 1
    while (text.charCodeAt(before) <= 32) before -= 1
    if (text.charCodeAt(before) === 34) count += 1
  }
  return count
}

/** Not a number where it is nested too deep. */
function keysIn(value: unknown, depth = 1): number {
  if (typeof value !== 'object' || value === null) return 0
  if (depth > deepest) return Number.NaN
  let count = 0
  for (const key in value) {
    if (!Array.isArray(value)) count += 1
    const inner = (value as Record<string, unknown>)[key]
    if (typeof inner === 'object') count += keysIn(inner, depth + 1)
  }
  return count
}

/** @throws JsonError */
function parseStrictly(text: string): unknown {
  let at = 0

  const fail = (message: string, column = at): never => {
    throw new JsonError(column + 1, message)
  }
  const unexpected = (wanted: string): never =>
    at >= text.length
      ? fail(`ends where ${wanted} should be`)
      : fail(`has ${JSON.stringify(text[at])} where ${wanted} should be`)
  const skipBlanks = () => {
    for (
      let code = text.charCodeAt(at);
      code === 32 || code === 9 || code === 13 || code === 10;
      code = text.charCodeAt(at)
    )
      at += 1
  }

  const readString = (): string => {
    const from = at + 1
    let end = text.indexOf('"', from)
    if (end < 0) fail('has a text without an end')
    const plain = text.slice(from, end)
    // The common case: no backslash and no control character between two quotes.
    if (!odd.test(plain)) {
      at = end + 1
      return plain
    }
    let value = ''
    let done = from
    for (;;) {
      const slash = text.indexOf('\\', done)
      end = text.indexOf('"', done)
      if (end < 0) fail('has a text without an end')
      const part = text.slice(done, slash >= 0 && slash < end ? slash : end)
      const control = controls.exec(part)
      if (control)
        fail(`has a bare ${control[0] === '\0' ? 'NUL' : 'control character'} within a text`, done + control.index)
      value += part
      if (slash < 0 || slash > end) break
      const escape = text[slash + 1] ?? ''
      if (escape === 'u') {
        const digits = text.slice(slash + 2, slash + 6)
        if (!/^[0-9a-fA-F]{4}$/.test(digits)) fail('has a \\u without four hexadecimal digits', slash)
        value += String.fromCharCode(Number.parseInt(digits, 16))
        done = slash + 6
      } else {
        const meant = escapes[escape]
        if (meant === undefined) fail(`has \\${escape}, which is no escape of JSON`, slash)
        value += meant
        done = slash + 2
      }
    }
    at = end + 1
    return value
  }

  const readNumber = (): unknown => {
    number.lastIndex = at
    const match = number.exec(text)
    if (!match) return unexpected('a value')
    at = number.lastIndex
    const [written, fraction, exponent] = match
    if (written.length <= 15 && exponent === undefined) return Number(written)
    if (exponent !== undefined && exponent.length > 7)
      fail('has a number with an exponent beyond every column', at - written.length)
    if (fraction === undefined && exponent === undefined)
      return Number.isSafeInteger(Number(written)) ? Number(written) : BigInt(written)
    const exact = new Big(written)
    return exact.c.length <= 15 && Math.abs(exact.e) < 300 ? Number(written) : exact
  }

  const readValue = (depth: number): unknown => {
    skipBlanks()
    const first = text[at]
    switch (first) {
      case '"':
        return readString()
      case '{':
        return readObject(depth + 1)
      case '[':
        return readArray(depth + 1)
      case 't':
      case 'f':
      case 'n':
        for (const [word, value] of words) {
          if (!text.startsWith(word, at)) continue
          at += word.length
          return value
        }
        return unexpected('a value')
      default:
        return readNumber()
    }
  }

  const readObject = (depth: number): Record<string, unknown> => {
    if (depth > deepest) fail(`is nested more than ${deepest} deep`)
    const object: Record<string, unknown> = {}
    at += 1
    skipBlanks()
    if (text[at] === '}') {
      at += 1
      return object
    }
    for (;;) {
      skipBlanks()
      if (text[at] !== '"') unexpected('a key')
      const start = at
      const key = readString()
      if (key === '__proto__') fail('has the key "__proto__", which no column is called', start)
      if (Object.hasOwn(object, key)) fail(`has the key ${JSON.stringify(key.slice(0, 60))} twice`, start)
      skipBlanks()
      if (text[at] !== ':') unexpected('a colon')
      at += 1
      object[key] = readValue(depth)
      skipBlanks()
      const next = text[at]
      if (next !== ',' && next !== '}') unexpected('a comma or a brace')
      at += 1
      if (next === '}') return object
    }
  }

  const readArray = (depth: number): unknown[] => {
    if (depth > deepest) fail(`is nested more than ${deepest} deep`)
    const array: unknown[] = []
    at += 1
    skipBlanks()
    if (text[at] === ']') {
      at += 1
      return array
    }
    for (;;) {
      array.push(readValue(depth))
      skipBlanks()
      const next = text[at]
      if (next !== ',' && next !== ']') unexpected('a comma or a bracket')
      at += 1
      if (next === ']') return array
    }
  }

  const value = readValue(0)
  skipBlanks()
  if (at < text.length) unexpected('the end')
  return value
}

const words = [
  ['true', true],
  ['false', false],
  ['null', null],
] as const
const odd = /[\\\0-\x1f]/
const controls = /[\0-\x1f]/
