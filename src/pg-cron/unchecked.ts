import type {Job, JobKindName} from '../config/jobs.js'
import type {Database} from '../db/database.js'
import type {Limits} from '../run/limits.js'
import type {Hazard} from '../run/hazards/hazard.js'
import {objectsMeeting, operationsHere} from '../run/hazards/refuse.js'

/** The kind of the steps that the routine of a job does, where a known defect can make one unsafe. */
const stepKinds: Readonly<Partial<Record<JobKindName, string>>> = {
  compress: 'compress',
  maintain: 'compress',
  refresh: 'refresh',
}

/**
 * Known defects of this server that the routine of a job may meet: what pg_cron calls runs in the database and does not
 * check for them before each step, as a run of this program does.
 * @param parts the tables or aggregates that have a call of their own
 * @param hazards those that are known; a test gives its own
 * @returns obstacles for defects that each run would meet, notes for those that depend on a state at the time of the
 * run
 */
export async function uncheckedHazards(
  db: Database,
  {kind, name}: Pick<Job, 'kind' | 'name'>,
  parts: readonly string[],
  {acceptedHazards}: Pick<Limits, 'acceptedHazards'>,
  hazards?: readonly Hazard[],
): Promise<{obstacles: string[]; notes: string[]}> {
  const found = {obstacles: [] as string[], notes: [] as string[]}
  for (const {hazard, operation} of operationsHere(db.server, hazards)) {
    if (!operation.kinds.includes(stepKinds[kind] ?? '') || acceptedHazards.includes(hazard.id)) continue
    const defect = `the known defect ${hazard.id} (${hazard.source})`
    if (operation.always) {
      const objects = await objectsMeeting(db, operation, parts)
      if (objects.size > 0)
        found.obstacles.push(`each run would meet ${defect} at ${[...objects].join(', ')}: ${operation.harm}`)
    } else
      found.notes.push(
        `${name}: its calls do not check for ${defect}, as a daemon does: ${hazard.what} To leave the job with ` +
          'the daemon: "runner: daemon"',
      )
  }
  return found
}
