import type {Database} from '../../db/database.js'
import {sql} from '../../db/sql.js'
import {OpsError} from '../../errors.js'
import type {PolicyState} from '../read-state.js'
import {qualifiedName, type Table} from '../../catalog/table.js'
import type {Change} from './change.js'
import {kindOfChange} from '../kinds/index.js'

/**
 * The error of {@link requireRights} as a note for a plan that is only shown; empty if the role may make the changes.
 */
export async function rightsNotes(...given: Parameters<typeof requireRights>): Promise<string[]> {
  try {
    await requireRights(...given)
    return []
  } catch (error) {
    if (!(error instanceof OpsError) || !lacking.has(error.code)) throw error
    return [
      `policies apply will refuse this plan: ${error.message.replace(nothingDone, '')} ${error.suggestions[0] ?? ''}`.trim(),
    ]
  }
}

const lacking: ReadonlySet<string> = new Set(['NO_PRIVILEGE', 'OWNER_CANNOT_LOGIN'])
const nothingDone = ' Nothing was done.'

/**
 * Checks, before the first change, that this role may make all of them.
 * @throws OpsError NO_PRIVILEGE, OWNER_CANNOT_LOGIN
 */
export async function requireRights(
  db: Database,
  state: PolicyState,
  changes: readonly Change[],
  tables: readonly Table[],
): Promise<void> {
  const {facts} = state
  const {server} = db
  const role = db.target.role ?? server.role
  for (const key of new Set(changes.map((change) => change.key))) {
    const table = tables.find((candidate) => qualifiedName(candidate) === key)!
    const entry = facts.get(table)
    if (entry === undefined) continue
    const asDatabaseOwner = entry.ownsDatabase && server.databaseOwnerOwns
    if (!entry.isOwner && !asDatabaseOwner)
      throw new OpsError(
        'NO_PRIVILEGE',
        `${key} belongs to ${entry.owner}, and ${role} is not a member of that role.${nothingDone}`,
        {
          suggestions: [
            `Connect as ${entry.owner}, or set it as \`role\` of the target.`,
            `Or make ${role} a member: grant ${entry.owner} to ${role}`,
          ],
        },
      )
    const ownJobs = changes.some((change) => change.key === key && kindOfChange(change)?.runsAsOwner(change))
    if (ownJobs && !entry.ownerCanLogin)
      throw new OpsError(
        'OWNER_CANNOT_LOGIN',
        `${key} belongs to ${entry.owner}, a role without LOGIN, and TimescaleDB runs policies as the ` +
          `owner.${nothingDone}`,
        {
          suggestions: [
            `alter role ${entry.owner} login`,
            `Or change the owner to a role with LOGIN: alter table ${key} owner to …`,
          ],
        },
      )
  }
  await requireJobs(db, state, changes, role)
}

/** Checks the owners of jobs: up to 2.25 a job keeps its owner if the owner of its table changes. */
async function requireJobs(
  db: Database,
  {snapshot, gatedJobs}: PolicyState,
  changes: readonly Change[],
  role: string,
): Promise<void> {
  const touched = new Set(changes.flatMap(jobsOf))
  const jobs = [...snapshot.policies.flatMap(({job}) => (job === null ? [] : [job])), ...gatedJobs].filter(({id}) =>
    touched.has(id),
  )
  if (jobs.length === 0 || db.server.databaseOwnerOwns) return
  const foreign = await db.query<{
    owner: string
  }>(sql`select owner from unnest(${[...new Set(jobs.map(({owner}) => owner))]}::text[]) as owner
where not pg_has_role(${role}::name, (select oid from pg_roles where rolname = trim(both '"' from owner)), 'usage')`)
  const [first] = jobs.filter(({owner}) => foreign.some((each) => each.owner === owner))
  if (first === undefined) return
  throw new OpsError(
    'NO_PRIVILEGE',
    `Job ${first.id} belongs to ${first.owner}, and ${role} is not a member of that role.${nothingDone}`,
    {
      suggestions: [`Connect as ${first.owner}, or remove its policy; policies apply then creates it again.`],
    },
  )
}

function jobsOf(change: Change): number[] {
  if (change.do === 'remove') return [...change.native, ...change.jobs]
  const own = 'job' in change && change.job !== null ? [change.job] : []
  return 'removes' in change ? [...own, ...change.removes.jobs] : own
}
