import Big from 'big.js'

/** A line that is not valid JSON; `column` counts from 1. */
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
 * Parses one JSON value strictly: JSON.parse silently keeps the last of two equal keys and rounds numbers to a double.
 * Numbers of more than fifteen digits are returned as Big or bigint.
 * @throws JsonError
 */
export function parseJsonLine(text: string): unknown {
  // JSON.parse is several times faster, so it is used for every line that it cannot misread.
  if (suspicious.test(text)) return parseStrictly(text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return parseStrictly(text)
  }
  return keysIn(value) === keysWritten(text) ? value : parseStrictly(text)
}

/** Escapes, which hide the end of a string; __proto__; numbers that a double may not hold exactly. */
const suspicious = /\\|__proto__|[:,[]\s*-?(?:[\d.]{16}|[\d.]+[eE])|^-?[\d.]+$/

/** An upper bound: a colon after a quote may also be part of a string. */
function keysWritten(text: string): number {
  let count = 0
  for (let at = text.indexOf(':'); at >= 0; at = text.indexOf(':', at + 1)) {
    let before = at - 1
    while (text.charCodeAt(before) <= 32) before -= 1
    if (text.charCodeAt(before) === 34) count += 1
  }
  return count
}

/** NaN if it is nested too deep. */
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

/**
 * Not by lossless-json: it accepts a key that is given twice with the same value, and "__proto__"; deep nesting ends it
 * with a RangeError, and its errors have no column.
 * @throws JsonError
 */
function parseStrictly(text: string): unknown {
  return new StrictReader(text).read()
}

/** Reads one JSON value from left to right. Every error has the column at which it was found. */
class StrictReader {
  private at = 0

  constructor(private readonly text: string) {}

  read(): unknown {
    const value = this.readValue(0)
    this.skipBlanks()
    if (this.at < this.text.length) this.unexpected('the end')
    return value
  }

  private fail(message: string, column = this.at): never {
    throw new JsonError(column + 1, message)
  }

  private unexpected(wanted: string): never {
    return this.at >= this.text.length
      ? this.fail(`ends where ${wanted} was expected`)
      : this.fail(`has ${JSON.stringify(this.text[this.at])} where ${wanted} was expected`)
  }

  private skipBlanks(): void {
    const {text} = this
    let at = this.at
    for (let code = text.charCodeAt(at); code === 32 || code === 9 || code === 13 || code === 10; )
      code = text.charCodeAt(++at)
    this.at = at
  }

  private readValue(depth: number): unknown {
    this.skipBlanks()
    switch (this.text[this.at]) {
      case '"':
        return this.readString()
      case '{':
        return this.readObject(depth + 1)
      case '[':
        return this.readArray(depth + 1)
      case 't':
      case 'f':
      case 'n':
        return this.readWord()
      default:
        return this.readNumber()
    }
  }

  private readWord(): boolean | null {
    for (const [word, value] of words) {
      if (!this.text.startsWith(word, this.at)) continue
      this.at += word.length
      return value
    }
    return this.unexpected('a value')
  }

  private readString(): string {
    const from = this.at + 1
    const end = this.text.indexOf('"', from)
    if (end < 0) this.fail('has an unterminated string')
    const plain = this.text.slice(from, end)
    // The common case: no backslash and no control character inside the quotes.
    if (odd.test(plain)) return this.readEscapedString(from)
    this.at = end + 1
    return plain
  }

  private readEscapedString(from: number): string {
    const {text} = this
    let value = ''
    let done = from
    for (;;) {
      const slash = text.indexOf('\\', done)
      const end = text.indexOf('"', done)
      if (end < 0) this.fail('has an unterminated string')
      const part = text.slice(done, slash >= 0 && slash < end ? slash : end)
      const control = controls.exec(part)
      if (control)
        this.fail(
          `has a bare ${control[0] === '\0' ? 'NUL' : 'control character'} within a string`,
          done + control.index,
        )
      value += part
      if (slash < 0 || slash > end) {
        this.at = end + 1
        return value
      }
      value += this.readEscape(slash)
      done = slash + (text[slash + 1] === 'u' ? 6 : 2)
    }
  }

  /** The character that the escape sequence at a backslash represents. */
  private readEscape(slash: number): string {
    const letter = this.text[slash + 1] ?? ''
    if (letter === 'u') {
      const digits = this.text.slice(slash + 2, slash + 6)
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.fail('has a \\u that four hexadecimal digits do not follow', slash)
      return String.fromCharCode(Number.parseInt(digits, 16))
    }
    return escapes[letter] ?? this.fail(`has \\${letter}, which is not a JSON escape`, slash)
  }

  private readNumber(): unknown {
    number.lastIndex = this.at
    const match = number.exec(this.text)
    if (!match) return this.unexpected('a value')
    this.at = number.lastIndex
    const [written, fraction, exponent] = match
    if (written.length <= 15 && exponent === undefined) return Number(written)
    if (exponent !== undefined && exponent.length > 7)
      this.fail('has a number whose exponent is too large', this.at - written.length)
    if (fraction === undefined && exponent === undefined)
      return Number.isSafeInteger(Number(written)) ? Number(written) : BigInt(written)
    const exact = new Big(written)
    return exact.c.length <= 15 && Math.abs(exact.e) < 300 ? Number(written) : exact
  }

  private readObject(depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = {}
    if (this.open(depth, '}')) return object
    for (;;) {
      const key = this.readKey(object)
      object[key] = this.readValue(depth)
      if (this.closes('}', 'a comma or a brace')) return object
    }
  }

  private readArray(depth: number): unknown[] {
    const array: unknown[] = []
    if (this.open(depth, ']')) return array
    for (;;) {
      array.push(this.readValue(depth))
      if (this.closes(']', 'a comma or a bracket')) return array
    }
  }

  /** Moves past the opening bracket. @returns whether the closing bracket follows immediately */
  private open(depth: number, closing: '}' | ']'): boolean {
    if (depth > deepest) this.fail(`is nested more than ${deepest} deep`)
    this.at += 1
    this.skipBlanks()
    if (this.text[this.at] !== closing) return false
    this.at += 1
    return true
  }

  /** Moves past the comma or bracket after a value. @returns whether it was the bracket */
  private closes(closing: '}' | ']', wanted: string): boolean {
    this.skipBlanks()
    const next = this.text[this.at]
    if (next !== ',' && next !== closing) this.unexpected(wanted)
    this.at += 1
    return next === closing
  }

  /** Reads a key, which must be new in the object, and the colon after it. */
  private readKey(object: Record<string, unknown>): string {
    this.skipBlanks()
    if (this.text[this.at] !== '"') this.unexpected('a key')
    const start = this.at
    const key = this.readString()
    if (key === '__proto__') this.fail('has the key "__proto__", which cannot be a column name', start)
    if (Object.hasOwn(object, key)) this.fail(`has the key ${JSON.stringify(key.slice(0, 60))} twice`, start)
    this.skipBlanks()
    if (this.text[this.at] !== ':') this.unexpected('a colon')
    this.at += 1
    return key
  }
}

const words = [
  ['true', true],
  ['false', false],
  ['null', null],
] as const
const odd = /[\\\0-\x1f]/
const controls = /[\0-\x1f]/
