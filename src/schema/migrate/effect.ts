import type {Lock} from '../../run/step.js'
import {parseQualifiedName} from '../../db/qualified-name.js'
import {OpsError} from '../../errors.js'
import {qualified} from '../names.js'

/** A node of the parser's tree: an object with one key, the node type, whose value has the fields. */
export type Node = Record<string, Record<string, unknown>>

/** What a statement does to existing objects, as far as its syntax tells; effects of function calls are unknown. */
export interface Effect {
  /** BEGIN, COMMIT, DEALLOCATE, DISCARD: statements that control the session or its transaction. */
  controlsSession: boolean
  lock: Lock
  /** Locked relations, qualified if the statement qualifies them. */
  relations: readonly string[]
  /** Whether rows are lost: DROP of a table or column, TRUNCATE. */
  loses: boolean
  /** Objects that the statement creates. */
  makes: readonly MadeObject[]
  /** Relations and triggers that it drops by name. */
  drops: readonly MadeObject[]
  /** IF NOT EXISTS or OR REPLACE: existing objects do not cause an error. */
  onlyIfMissing: boolean
  /** DROP or RENAME: a name that is taken now may be free afterwards. */
  removes: boolean
  /** Tables named by calls of create_hypertable. */
  hypertables: readonly string[]
  /** Settings named by calls of current_setting. */
  settings: readonly string[]
}

export interface MadeObject {
  kind: 'schema' | 'relation' | 'routine' | 'trigger' | 'constraint'
  /** As SQL reads it; for a trigger or constraint, its name alone. */
  name: string
  /** The table of a trigger or constraint. */
  on?: string
}

const quiet: Effect = {
  controlsSession: false,
  lock: 'NONE',
  relations: [],
  loses: false,
  makes: [],
  drops: [],
  onlyIfMissing: false,
  removes: false,
  hypertables: [],
  settings: [],
}

interface RangeVar {
  schemaname?: string
  relname: string
}
interface AlterCommand {
  AlterTableCmd: {
    subtype: string
    name?: string
    def?: {Constraint?: {contype: string; conname?: string; pktable?: RangeVar}}
  }
}

/** Determines the effect of one statement of the parser's tree. */
export function effectOf(node: Node): Effect {
  const [kind, fields] = Object.entries(node)[0]!
  return {...quiet, ...readers[kind]?.(fields as never), ...namedByCalls(node)}
}

/** Constant arguments of calls: the table of create_hypertable, the name of a setting. */
function namedByCalls(node: Node): Pick<Effect, 'hypertables' | 'settings'> {
  const named = (routine: string) => callsIn(node).flatMap(({name, text}) => (name === routine && text ? [text] : []))
  return {
    hypertables: named('create_hypertable').flatMap((text) => {
      const table = readName(text)
      return table === null ? [] : [table]
    }),
    settings: named('current_setting'),
  }
}

function readName(text: string): string | null {
  try {
    const {schema, name} = parseQualifiedName(text)
    return qualified(schema ?? 'public', name)
  } catch (error) {
    if (error instanceof OpsError) return null
    throw error
  }
}

/** Every function call, with the text of its first argument if that is a constant. */
function callsIn(value: unknown): {name: string; text: string | null}[] {
  if (typeof value !== 'object' || value === null) return []
  const inside = Object.values(value).flatMap(callsIn)
  const call = (value as {FuncCall?: {funcname: readonly Node[]; args?: readonly Node[]}}).FuncCall
  if (call === undefined) return inside
  return [...inside, {name: String(call.funcname.at(-1)?.String?.sval ?? ''), text: constantText(call.args?.[0])}]
}

function constantText(node: Node | undefined): string | null {
  if (node?.TypeCast) return constantText(node.TypeCast.arg as Node)
  // `relation => 'public.t'`
  if (node?.NamedArgExpr) return constantText(node.NamedArgExpr.arg as Node)
  const constant = node?.A_Const as {sval?: {sval?: string}} | undefined
  return constant?.sval?.sval ?? null
}

const readers: Record<string, (fields: never) => Partial<Effect>> = {
  TransactionStmt: () => ({controlsSession: true}),
  DeallocateStmt: () => ({controlsSession: true}),
  DiscardStmt: () => ({controlsSession: true}),
  CreateSchemaStmt: ({schemaname}: {schemaname: string}) => ({makes: [{kind: 'schema', name: schemaname}]}),
  CreateStmt: ({relation, if_not_exists}: {relation: RangeVar; if_not_exists?: boolean}) => ({
    makes: [relationMade(relation)],
    onlyIfMissing: if_not_exists ?? false,
  }),
  ViewStmt: ({view, replace}: {view: RangeVar; replace?: boolean}) => ({
    makes: [relationMade(view)],
    onlyIfMissing: replace ?? false,
  }),
  CreateTableAsStmt: ({into, if_not_exists}: {into: {rel: RangeVar}; if_not_exists?: boolean}) => ({
    makes: [relationMade(into.rel)],
    onlyIfMissing: if_not_exists ?? false,
  }),
  CreateSeqStmt: ({sequence, if_not_exists}: {sequence: RangeVar; if_not_exists?: boolean}) => ({
    makes: [relationMade(sequence)],
    onlyIfMissing: if_not_exists ?? false,
  }),
  CreateFunctionStmt: ({funcname}: {funcname: readonly Node[]}) => ({
    makes: [{kind: 'routine', name: dotted(funcname)}],
  }),
  IndexStmt: ({
    idxname,
    relation,
    concurrent,
    if_not_exists,
  }: {
    idxname?: string
    relation: RangeVar
    concurrent?: boolean
    if_not_exists?: boolean
  }) => ({
    onlyIfMissing: if_not_exists ?? false,
    lock: concurrent ? 'SHARE UPDATE EXCLUSIVE' : 'SHARE',
    relations: [relationName(relation)],
    makes: idxname === undefined ? [] : [relationMade({...relation, relname: idxname})],
  }),
  CreateTrigStmt: ({trigname, relation}: {trigname: string; relation: RangeVar}) => ({
    lock: 'SHARE ROW EXCLUSIVE',
    relations: [relationName(relation)],
    makes: [{kind: 'trigger', name: trigname, on: relationName(relation)}],
  }),
  AlterTableStmt: ({relation, cmds}: {relation: RangeVar; cmds: readonly AlterCommand[]}) => {
    const constraints = cmds.flatMap(({AlterTableCmd: {subtype, def}}) =>
      subtype === 'AT_AddConstraint' && def?.Constraint ? [def.Constraint] : [],
    )
    const onlyKeys =
      constraints.length === cmds.length && constraints.every(({contype}) => contype === 'CONSTR_FOREIGN')
    return {
      lock: onlyKeys ? 'SHARE ROW EXCLUSIVE' : 'ACCESS EXCLUSIVE',
      relations: [
        relationName(relation),
        ...constraints.flatMap(({pktable}) => (pktable ? [relationName(pktable)] : [])),
      ],
      loses: cmds.some(({AlterTableCmd: {subtype}}) => subtype === 'AT_DropColumn'),
      makes: constraints.flatMap(({conname}) =>
        conname === undefined ? [] : [{kind: 'constraint', name: conname, on: relationName(relation)}],
      ),
    }
  },
  RenameStmt: ({relation}: {relation?: RangeVar}) => ({
    removes: true,
    ...(relation && {lock: 'ACCESS EXCLUSIVE' as const, relations: [relationName(relation)]}),
  }),
  DropStmt: ({objects, removeType}: {objects: readonly Node[]; removeType: string}) => {
    const named = objects.map((object) => dotted((object.List?.items as readonly Node[] | undefined) ?? [object]))
    const holdsRows = ['OBJECT_TABLE', 'OBJECT_MATVIEW', 'OBJECT_SCHEMA', 'OBJECT_FOREIGN_TABLE'].includes(removeType)
    const isRelation = ['OBJECT_TABLE', 'OBJECT_MATVIEW', 'OBJECT_VIEW', 'OBJECT_INDEX'].includes(removeType)
    const drops =
      removeType === 'OBJECT_TRIGGER'
        ? objects.map(triggerDropped)
        : named.filter(() => isRelation).map((name) => ({kind: 'relation' as const, name}))
    return {lock: 'ACCESS EXCLUSIVE', relations: isRelation ? named : [], loses: holdsRows, removes: true, drops}
  },
  TruncateStmt: ({relations}: {relations: readonly {RangeVar: RangeVar}[]}) => ({
    lock: 'ACCESS EXCLUSIVE',
    relations: relations.map(({RangeVar}) => relationName(RangeVar)),
    loses: true,
  }),
  // The effect of a DO block is unknown.
  DoStmt: () => ({removes: true}),
  AlterObjectSchemaStmt: () => ({removes: true}),
  InsertStmt: writes,
  UpdateStmt: writes,
  DeleteStmt: writes,
  MergeStmt: writes,
}

/** The parser has the name of the table and that of the trigger in one list. */
function triggerDropped(object: Node): MadeObject {
  const items = object.List!.items as readonly Node[]
  return {kind: 'trigger', name: String(items.at(-1)!.String!.sval), on: dotted(items.slice(0, -1))}
}

function writes({relation}: {relation: RangeVar}): Partial<Effect> {
  return {lock: 'ROW EXCLUSIVE', relations: [relationName(relation)]}
}

function relationMade(relation: RangeVar): MadeObject {
  return {kind: 'relation', name: relationName(relation)}
}

function relationName({schemaname, relname}: RangeVar): string {
  return qualified(schemaname ?? 'public', relname)
}

function dotted(parts: readonly Node[]): string {
  const words = parts.map((part) => String(part.String?.sval ?? ''))
  return words.length > 1 ? qualified(words.at(-2)!, words.at(-1)!) : qualified('public', words[0] ?? '')
}

const strength: readonly Lock[] = [
  'NONE',
  'ACCESS SHARE',
  'ROW EXCLUSIVE',
  'SHARE UPDATE EXCLUSIVE',
  'SHARE',
  'SHARE ROW EXCLUSIVE',
  'EXCLUSIVE',
  'ACCESS EXCLUSIVE',
]

/** The effect of a whole file on other sessions: objects created by the file itself block no one. */
export function sumOf(effects: readonly Effect[]): Pick<Effect, 'lock' | 'relations' | 'loses'> {
  const own = new Set(effects.flatMap(({makes}) => makes.filter(({kind}) => kind === 'relation').map(({name}) => name)))
  const outward = effects.filter(
    ({relations}) => relations.length === 0 || relations.some((relation) => !own.has(relation)),
  )
  return {
    lock: outward.reduce<Lock>(
      (strongest, {lock}) => (strength.indexOf(lock) > strength.indexOf(strongest) ? lock : strongest),
      'NONE',
    ),
    relations: [...new Set(outward.flatMap(({relations}) => relations))].filter((relation) => !own.has(relation)),
    loses: outward.some(({loses}) => loses),
  }
}
