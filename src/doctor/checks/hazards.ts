import type {Check} from '../check.js'
import type {CheckContext} from '../context.js'
import type {Finding, Fix} from '../finding.js'
import {compareVersions, type Hazard} from '../../run/hazards/hazard.js'
import {knownHazards} from '../../run/hazards/known.js'
import {hazardsOf} from '../hazards.js'
import type {Server} from '../../db/server.js'

/** @param effect by which a finding is critical or a warning: one check for each, so that either can be left out */
async function found({server, snapshot}: CheckContext, effect: Hazard['effect']): Promise<Finding[]> {
  const {all, policies} = await snapshot()
  return hazardsOf(knownHazards, {server, tables: all, policies})
    .filter((hazard) => hazard.effect === effect)
    .map((hazard) => findingOf(hazard, server))
}

function findingOf({id, product, what, since, fixedIn, effect, source}: Hazard, server: Server): Finding {
  const version = product === 'timescaledb' ? server.timescaledb : server.postgres
  const name = product === 'timescaledb' ? 'TimescaleDB' : 'PostgreSQL'
  return {
    severity: effect === 'loss' ? 'critical' : 'warning',
    object: null,
    message: `${name} ${version} has a known defect that this database can meet: ${what} Fixed in ${fixedIn.join(', ')} (${source}).`,
    data: {id, product, version, since, fixedIn, source},
    fix: fixOf(product, fixedIn, server),
  }
}

function fixOf(product: Hazard['product'], fixedIn: readonly string[], {timescaledbAvailable}: Server): Fix {
  const [fixed] = fixedIn
  const there =
    product === 'timescaledb' && timescaledbAvailable !== null && compareVersions(timescaledbAvailable, fixed!) >= 0
  return {
    kind: 'advice',
    text: there
      ? 'The server has a version with the fix. As the first statement of a new session (psql -X): alter extension timescaledb update'
      : `Install ${product === 'timescaledb' ? 'TimescaleDB' : 'PostgreSQL'} ${fixed} or newer.`,
  }
}

export const hazardChecks: readonly Check[] = [
  {
    id: 'hazards.loss',
    about: 'database',
    passes: 'No known defect of these versions loses rows or gives wrong answers here.',
    problem: 'known defects by which rows are lost or answers are wrong',
    run: (context) => found(context, 'loss'),
  },
  {
    id: 'hazards.failure',
    about: 'database',
    passes: 'No known defect of these versions makes anything fail here.',
    problem: 'known defects by which something fails',
    run: (context) => found(context, 'failure'),
  },
]
