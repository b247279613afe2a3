import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {formatName} from '../db/qualified-name.js'
import {statement} from '../db/sql.js'

/** An event trigger that would fire in this session at commands that change schemas, and may refuse them. */
export interface EventTrigger {
  name: string
  event: 'ddl_command_start' | 'ddl_command_end' | 'sql_drop' | 'table_rewrite'
  /** The function that it calls. */
  function: string
  /** Tags of the commands at which it fires: `DROP TABLE`; empty: at all. */
  tags: string[]
  /** The extension that it belongs to; null if a user created it. */
  extension: string | null
}

/** A command of a plan, as event triggers see it. */
export interface DdlCommand {
  /** PostgreSQL's tag: `ALTER TABLE`. */
  tag: string
  /** Whether it may remove an object: sql_drop then fires too. */
  drops?: true
}

/** The event triggers that may refuse a command in this session. Waits for no lock. */
export function readEventTriggers(db: Database): Promise<EventTrigger[]> {
  return db.query<EventTrigger>(statement(loadSql('catalog/event-triggers')))
}

/** Which of the commands a trigger fires at, as tags. No plan rewrites a table, so none fires at table_rewrite. */
export function firesAt({event, tags}: EventTrigger, commands: readonly DdlCommand[]): string[] {
  if (event === 'table_rewrite') return []
  const fired = commands.filter(
    ({tag, drops}) => (event !== 'sql_drop' || drops) && (tags.length === 0 || tags.includes(tag)),
  )
  return [...new Set(fired.map(({tag}) => tag))].sort()
}

/** `The event trigger no_drops calls public.forbid at sql_drop of DROP TABLE`. @param at the tags that it names */
export function triggerInWords(trigger: EventTrigger, at: readonly string[]): string {
  const {name, event, function: called, extension, tags} = trigger
  const whose = extension === null ? '' : ` of the extension ${extension}`
  return (
    `The event trigger ${formatName(name)}${whose} calls ${called} at ${event} of ` +
    `${tags.length === 0 ? 'every command' : at.join(', ')}`
  )
}

/** The commands of the kinds of steps that a plan has. @param byKind a kind that is missing runs none */
export function commandsOf(
  steps: readonly {kind: string}[],
  byKind: Readonly<Record<string, readonly DdlCommand[]>>,
): DdlCommand[] {
  const kinds = new Set(steps.map(({kind}) => kind))
  return [...kinds].flatMap((kind) => byKind[kind] ?? [])
}

/**
 * Notes about the event triggers that would fire at the commands of a plan. Whether one refuses a command is known only
 * when it runs.
 */
export async function eventTriggerNotes(db: Database, commands: readonly DdlCommand[]): Promise<string[]> {
  if (commands.length === 0) return []
  return (await readEventTriggers(db)).flatMap((trigger) => {
    const tags = firesAt(trigger, commands)
    return tags.length === 0 ? [] : [`${triggerInWords(trigger, tags)}: it may refuse steps of this plan.`]
  })
}
