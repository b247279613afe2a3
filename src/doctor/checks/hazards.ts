import type {Server} from '../../db/server.js'
import {readCronSchedules} from '../../pg-cron/schedules.js'
import {fixInWords, productNames, versionsOf, type Hazard} from '../../run/hazards/hazard.js'
import {knownHazards} from '../../run/hazards/known.js'
import {compareVersions, rangeInWords} from '../../units/version.js'
import type {Check} from '../check.js'
import type {CheckContext} from '../context.js'
import {NotKnown, type Finding, type Fix} from '../finding.js'
import {hazardsOf, type MetHazard} from '../hazards.js'
import {advice} from '../shared.js'

async function metHazards({server, db, snapshot}: CheckContext): Promise<MetHazard[]> {
  const [{all, policies}, cron] = await Promise.all([snapshot(), readCronSchedules(db)])
  return hazardsOf(knownHazards, {server, tables: all, policies, cron})
}

/** @param effect by which a finding is critical or a warning: one check for each, so that either can be left out */
async function found({server, once}: CheckContext, effect: Hazard['effect']): Promise<Finding[]> {
  const certain = (await once(metHazards)).filter(({certainty}) => certainty === 'certain').map(({hazard}) => hazard)
  return certain.filter((hazard) => hazard.effect === effect).map((hazard) => findingOf(hazard, certain, server))
}

function findingOf(hazard: Hazard, met: readonly Hazard[], server: Server): Finding {
  const {id, product, what, since, fixedIn, effect, source} = hazard
  const versions = versionsOf(product, server)!
  const fixed = fixInWords(hazard)
  return {
    severity: effect === 'loss' ? 'critical' : 'warning',
    object: null,
    message: `${what} This defect of ${productNames[product]} is ${fixed} (${source}).`,
    data: {
      id,
      product,
      version: versions.from === versions.to ? versions.from : null,
      versions,
      since,
      fixedIn,
      source,
    },
    fix: fixOf(hazard, met, server),
  }
}

/** One fix for all defects of a product that no installed version fixes: the version that has every fix. */
function fixOf({product, fixedIn, instead}: Hazard, met: readonly Hazard[], {timescaledbAvailable}: Server): Fix {
  const [fixed] = fixedIn
  if (fixed === undefined) return advice(`${instead ?? 'No version has a fix yet'}.`)
  const isAvailable = (version: string) =>
    product === 'timescaledb' && timescaledbAvailable !== null && compareVersions(timescaledbAvailable, version) >= 0
  if (isAvailable(fixed))
    return advice(
      'The server has a version with the fix. As the first statement of a new session (psql -X): alter ' +
        'extension timescaledb update',
    )
  const all = met.flatMap((each) => (each.product === product ? each.fixedIn.slice(0, 1) : []))
  const newest = all.sort(compareVersions).at(-1)!
  const restart = product === 'pg_cron' ? ' and restart the server' : ''
  return advice(`Install ${productNames[product]} ${newest} or newer${restart}.`)
}

/**
 * Defects of pg_cron that a server may have. Its settings show 1.5 and 1.6, and a newer PostgreSQL needs a newer one;
 * nothing in SQL shows the rest.
 * @throws NotKnown with those that are possible
 */
async function possible({server, once}: CheckContext): Promise<Finding[]> {
  const open = (await once(metHazards)).filter(({certainty}) => certainty === 'possible').map(({hazard}) => hazard)
  if (open.length === 0) return []
  const versions = versionsOf('pg_cron', server)!
  const unknown =
    versions.from === versions.to
      ? 'This role does not see all of its jobs'
      : 'SQL does not show its version more exactly'
  const [newest] = open.flatMap(({fixedIn}) => fixedIn).sort((one, other) => compareVersions(other, one))
  throw new NotKnown(
    `pg_cron is ${rangeInWords(versions)}. ${unknown}, so that these known defects are possible: ` +
      `${open.map(({id, what, fixedIn, source}) => `${id}: ${what} Fixed in ${fixedIn.join(', ')} (${source}).`).join(' ')}`,
    advice(
      `Look up the version of the installed package (dpkg -l 'postgresql-*-cron', rpm -qa 'pg_cron*'). ${newest} ` +
        'and newer have none of them.',
    ),
  )
}

export const hazardChecks: readonly Check[] = [
  {
    id: 'hazards.loss',
    about: 'database',
    passes: 'No known defect of these versions loses rows or gives wrong answers here.',
    problem: 'known defects that lose rows or give wrong answers',
    run: (context) => found(context, 'loss'),
  },
  {
    id: 'hazards.failure',
    about: 'database',
    passes: 'No known defect of these versions makes anything fail here.',
    problem: 'known defects that make something fail',
    run: (context) => found(context, 'failure'),
  },
  {
    id: 'hazards.pg_cron_version',
    about: 'database',
    passes: 'No known defect depends on the patch level of pg_cron, which SQL does not show.',
    problem: 'known defects that pg_cron may have',
    applies: ({pgCronRange}) => pgCronRange !== null,
    run: possible,
  },
]
