import {formatQualifiedName} from '../../../db/qualified-name.js'
import {ident} from '../../../db/sql.js'
import {leftoverFinding} from '../../../partitions/findings.js'
import {readForgotten} from '../../../partitions/retain/forgotten.js'
import {readLeftovers} from '../../../partitions/detach/leftovers.js'
import {readRemembered} from '../../../partitions/retain/remembered.js'
import {formatBytes} from '../../../units/bytes.js'
import {command} from '../../../units/command.js'
import type {Check} from '../../check.js'
import type {CheckContext} from '../../context.js'
import {NotKnown, type Finding} from '../../finding.js'
import {advice, commandFix, objectOf, sqlFix} from '../../shared.js'
import {asSentence} from '../../../units/sentence.js'
import {foundIn, readKnownSets, setFinding, type KnownSet} from './sets.js'

const setName = ({set}: KnownSet) => formatQualifiedName(set.schema, set.table)

const rowName = ({partitionSchema, partition}: KnownSet['partitions'][number]) =>
  formatQualifiedName(partitionSchema, partition)

function defaultRows(known: KnownSet): Finding[] {
  const {set} = known
  if (set.defaultPartition === null) return []
  const {rows, oldest, newest} = set.defaultPartition
  return foundIn(known, ['default rows']).map(({message}) =>
    setFinding(known, 'warning', asSentence(message), commandFix(command('partitions drain', [setName(known)])), {
      rows,
      oldest,
      newest,
    }),
  )
}

/** If rows cannot be counted, the check does not pass. */
function unlessUncounted(sets: readonly KnownSet[], findings: Finding[], role: string): Finding[] {
  const unknown = sets.filter(({set}) => set.defaultPartition !== null && set.defaultPartition.rows === null)
  if (findings.length > 0 || unknown.length === 0) return findings
  const names = unknown.map((known) => rowName(known.partitions.find(({isDefault}) => isDefault)!))
  throw new NotKnown(
    `The rows of the default ${names.length === 1 ? 'partition' : 'partitions'} ${names.join(', ')} cannot be ` +
      'counted: this role may not read them, or another session locks them.',
    sqlFix(`grant select on ${names.join(', ')} to ${ident(role).text}`),
  )
}

function pendingDetach(known: KnownSet): Finding[] {
  if (foundIn(known, ['pending']).length === 0) return []
  return known.partitions
    .filter(({detachPending}) => detachPending)
    .map((row) =>
      setFinding(
        known,
        'critical',
        `The detach of ${rowName(row)} was begun and not finished: its rows are not seen, and rows of its time ` +
          'are refused.',
        sqlFix(`alter table ${setName(known)} detach partition ${rowName(row)} finalize`),
        {partition: rowName(row), from: row.from, to: row.to},
      ),
    )
}

function guards(known: KnownSet): Finding[] {
  const row = known.partitions.find(({isDefault}) => isDefault)
  if (row === undefined) return []
  return foundIn(known, ['guard']).map(({message}) =>
    setFinding(
      known,
      'critical',
      asSentence(message),
      sqlFix(`alter table ${rowName(row)} drop constraint qicore_partition_guard`),
    ),
  )
}

async function leftovers(context: CheckContext): Promise<Finding[]> {
  const sets = await readKnownSets(context)
  if (sets.length === 0) return []
  const found = await readLeftovers(context.db, sets.map(setName))
  return found.flatMap((leftover): Finding[] => {
    const known = sets.find((each) => sameName(each, leftover.parent))
    if (known === undefined) return []
    const {relation, bytes, kind, detachedToDrop} = leftover
    const {message, fix} = leftoverFinding(leftover)
    return [
      setFinding(
        known,
        'warning',
        asSentence(message),
        sqlFix(fix ?? `drop ${kind === 'f' ? 'foreign table' : 'table'} ${relation}`),
        {relation, bytes, detachedToDrop},
      ),
    ]
  })
}

const sameName = (known: KnownSet, relation: string) => setName(known) === relation

async function forgotten(context: CheckContext): Promise<Finding[]> {
  const [remembered, {tables}] = await Promise.all([
    readRemembered(context.db, {relations: null, sizes: false}),
    context.snapshot(),
  ])
  return (await readForgotten(context.db, remembered)).flatMap(({parent, schema, name, bytes}): Finding[] => {
    const table = tables.find(({relation}) => relation === parent)
    if (table === undefined) return []
    const relation = formatQualifiedName(schema, name)
    return [
      {
        severity: 'warning',
        object: objectOf(table),
        message:
          `${relation} has the name and the columns of a partition, but is not one: it was detached, it is not ` +
          'recorded, and no query of the table sees its rows. It takes ' +
          `${bytes === null ? 'an unknown number of bytes' : formatBytes(bytes)}.`,
        data: {relation, bytes},
        fix: advice(
          `To restore its rows: alter table … attach partition ${relation} for values from (…) to (…). If ` +
            `they are not needed: drop table ${relation}`,
        ),
      },
    ]
  })
}

interface KeyRow {
  parent: number
  name: string
  table: string
}

async function foreignKeys(context: CheckContext): Promise<Finding[]> {
  const [rows, {tables, policies}, sets] = await Promise.all([
    context.ask<KeyRow>('partition-keys'),
    context.snapshot(),
    readKnownSets(context),
  ])
  return rows.flatMap(({parent, name, table: other}): Finding[] => {
    const table = tables.find(({relation}) => relation === parent)
    if (table === undefined) return []
    // Without retention no partition is detached.
    const known = sets.find(({set}) => set.schema === table.schema && set.table === table.name)
    const retained = policies.some((policy) => policy.table === table && policy.kind === 'retention')
    if (known === undefined || !(retained || known.retained)) return []
    return [
      setFinding(
        known,
        'warning',
        `Foreign key ${name} of ${other} refers to it: retention cannot detach a partition while a row of ` +
          `${other} refers to its rows.`,
        advice(
          `Delete the rows of ${other} first, by the same age, or drop the key: alter table ${other} drop ` +
            `constraint ${name}`,
        ),
        {foreignKey: name, table: other},
      ),
    ]
  })
}

export const restChecks: readonly Check[] = [
  {
    id: 'partitions.default_rows',
    about: 'tables',
    passes: 'No default partition holds rows.',
    problem: 'rows in default partitions',
    async run(context) {
      const sets = await readKnownSets(context)
      return unlessUncounted(sets, sets.flatMap(defaultRows), context.server.role)
    },
  },
  {
    id: 'partitions.pending_detach',
    about: 'tables',
    passes: 'Every detach is finished.',
    problem: 'partitions whose detach is not finished',
    run: async (context) => (await readKnownSets(context)).flatMap(pendingDetach),
  },
  {
    id: 'partitions.guard',
    about: 'tables',
    passes: 'No killed run left a constraint on a default partition.',
    problem: 'constraints that a killed run left on default partitions',
    run: async (context) => (await readKnownSets(context)).flatMap(guards),
  },
  {
    id: 'partitions.unfinished_drop',
    about: 'tables',
    passes: 'Every partition that a run detached to drop it is dropped.',
    problem: 'tables that a drop detached but did not drop',
    run: leftovers,
  },
  {
    id: 'partitions.forgotten',
    about: 'tables',
    passes: 'No detached partition was forgotten.',
    problem: 'detached partitions that were not dropped',
    run: forgotten,
  },
  {
    id: 'partitions.foreign_keys',
    about: 'tables',
    passes: 'No foreign key keeps retention from detaching partitions.',
    problem: 'foreign keys into partition sets with retention',
    run: foreignKeys,
  },
]
