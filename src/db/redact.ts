/**
 * A URL, or text with URLs, without passwords. An unencoded password must not be printed either, so if its end is
 * ambiguous, more is hidden than necessary.
 */
export function redact(text: string): string {
  const [, scheme, rest] = /^(\s*[a-z][a-z0-9+.-]*:\/\/)([\s\S]*)$/i.exec(text) ?? []
  if (scheme !== undefined && rest !== undefined) return scheme + redactRest(rest)
  return text
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:@/]*):\S*@/gi, '$1:***@')
    .replace(/(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)/gi, '$1***')
}

/**
 * The URL of a database without user and password, for reports: `postgres://host:5432/market?sslmode=require`. If the
 * end of the user is ambiguous, more is removed than necessary.
 */
export function withoutCredentials(url: string): string {
  const [, scheme, rest] = /^(\s*[a-z][a-z0-9+.-]*:\/\/)([\s\S]*)$/i.exec(redact(url)) ?? []
  if (scheme === undefined || rest === undefined) return redact(url)
  const place = rest.slice(rest.lastIndexOf('@') + 1).replace(/^[^/?]*:\*\*\*.*$/s, '***')
  const [path, ...query] = place.split('?')
  const kept = query
    .join('?')
    .split('&')
    .filter((pair) => pair !== '' && !/^(user|\w*password)=/i.test(pair))
  return `${scheme}${path}${kept.length === 0 ? '' : `?${kept.join('&')}`}`
}

/**
 * The URL of a database without its password, usable in a command; undefined if the end of the password is ambiguous or
 * the text is not a URL.
 */
export function withoutPassword(url: string): string | undefined {
  if (url.startsWith('embedded:')) return url
  if (!/^\s*[a-z][a-z0-9+.-]*:\/\//i.test(url)) return undefined
  const [head, ...query] = redact(url).split('?')
  const place = head!.replace(/:\*\*\*@/, '@')
  const kept = query
    .join('?')
    .split('&')
    .filter((pair) => pair !== '' && !/^\w*password=/i.test(pair))
  const shown = `${place}${kept.length === 0 ? '' : `?${kept.join('&')}`}`
  return shown.includes(':***') || !hostsOf(place).every(isHost) ? undefined : shown
}

/** The hosts of a URL: `a:1` and `b:2` of `postgres://user@a:1,b:2/market`. */
function hostsOf(place: string): string[] {
  const authority = place.slice(place.indexOf('://') + 3).split('/')[0]!
  return authority.slice(authority.lastIndexOf('@') + 1).split(',')
}

/** False if the port is not a number: it is then the password of a URL that has no host. */
function isHost(text: string): boolean {
  return /^(\[[^\]]*\]|[^:]*)(:\d*)?$/.test(text)
}

/** Hides the password in the part after `postgres://`: user, password, host, database and parameters. */
function redactRest(rest: string): string {
  const parameter = rest.search(/[?&]\w*password=/i)
  const head = parameter < 0 ? rest : rest.slice(0, parameter)
  const tail = parameter < 0 ? '' : rest.slice(parameter)
  const at = head.lastIndexOf('@')
  // Without an @, a colon precedes a port, unless the @ is in the parameters, together with the end of the password.
  const withoutAt = tail.includes('@') ? head : ''
  const secret = at >= 0 ? head.slice(0, at) : withoutAt
  const colon = secret.indexOf(':')
  const hidden = colon < 0 ? head : `${head.slice(0, colon)}:***${at < 0 ? '' : head.slice(at)}`
  return hidden + tail.replace(/(password=)[^&]*/gi, '$1***')
}
