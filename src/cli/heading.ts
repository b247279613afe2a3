import type {Target} from '../db/database.js'
import {engineNamed} from '../engines/index.js'
import {redact} from '../db/redact.js'
import type {Server} from '../db/server.js'
import {wrap} from './render/text.js'

/**
 * The stderr line that names the database and where the name comes from; never has a password.
 * @param width of the terminal, so that the line breaks between words
 */
export function heading(target: Target, server: Server, width: number | null): string {
  const where = server.embedded
    ? redact(target.url)
    : `${server.host ?? 'local socket'}${server.port === null ? '' : `:${server.port}`}/${server.database}`
  const {extension, workers} = engineNamed(server.engine).heading(server)
  const parts = [
    `${target.name === null ? '' : `${target.name} `}${where} (${target.source}) as ${server.role}`,
    ...(extension === null ? [] : [extension]),
    `PostgreSQL ${server.postgres}`,
    server.inRecovery ? 'replica' : 'primary',
    ...(workers === null ? [] : [workers]),
    ...(server.pooled ? ['through a pooler'] : []),
    `${server.now.slice(0, 19).replace('T', ' ')} UTC`,
  ]
  const line = parts.join(', ')
  return width === null || line.length <= width ? line : wrap(line, width)
}
