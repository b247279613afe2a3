import {readFile} from 'node:fs/promises'
import {text as textOfStream} from 'node:stream/consumers'
import {z} from 'zod'
import {messageOf, usageError} from '../errors.js'
import {command} from '../units/command.js'
import type {ReportDocument} from './document.js'

const part = (kind: string) =>
  z.union([
    z.object({report: z.looseObject({kind: z.literal(kind), at: z.string()}), error: z.null()}),
    z.object({
      report: z.null(),
      error: z.looseObject({code: z.string(), message: z.string(), suggestions: z.array(z.string())}),
    }),
  ])

/** The outer shape. The reports inside are those of this program; what else they hold is not checked. */
const shape = z.object({
  kind: z.literal('report'),
  version: z.literal(1),
  target: z.string().nullable(),
  at: z.string(),
  program: z.string(),
  stats: part('stats'),
  compression: part('stats.compression'),
  chunks: part('stats.chunks'),
  policies: part('policies.status'),
  doctor: part('doctor'),
  growth: part('stats.growth'),
  jobs: part('jobs.calendar'),
  history: part('history'),
  queries: part('stats.queries'),
})

/**
 * Reads a document that `report --json` wrote.
 * @param file `-` is stdin
 * @throws OpsError NO_FILE, BAD_REPORT
 */
export async function parseDocument(file: string): Promise<ReportDocument> {
  const text = await read(file)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw badReport(file, messageOf(error))
  }
  const parsed = shape.safeParse(value)
  if (parsed.success) return parsed.data as unknown as ReportDocument
  const {path, message} = parsed.error.issues[0]!
  throw badReport(file, `${path.join('.') || 'the document'}: ${message}`)
}

/** @param why the first thing that is wrong, as a clause */
export function badReport(file: string, why: string) {
  return usageError('BAD_REPORT', `${file === '-' ? 'stdin' : file} is not a document of report --json: ${why}.`, [
    `This command prints one: ${command('report', [], {json: true})}`,
  ])
}

async function read(file: string): Promise<string> {
  if (file === '-') return textOfStream(process.stdin)
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw usageError('NO_FILE', `${file} cannot be read: ${messageOf(error)}.`)
  }
}
