import {aggregateChecks} from './checks/aggregates.js'
import type {Check} from './check.js'
import {chunkChecks} from './checks/chunks/index.js'
import {conditionChecks} from './checks/condition.js'
import {grantChecks} from './checks/grants.js'
import {indexBloatChecks} from './checks/index-bloat.js'
import {indexChecks} from './checks/indexes.js'
import {partitionChecks} from './checks/partitions/index.js'
import {hazardChecks} from './checks/hazards.js'
import {cronChecks} from './checks/pg-cron.js'
import {policyChecks} from './checks/policies.js'
import {replicationChecks} from './checks/replication.js'
import {settingsChecks} from './checks/settings.js'
import {workerChecks} from './checks/workers.js'

/** Every check of doctor. A new one is an entry in the file of its group. */
export const checks: readonly Check[] = [
  ...conditionChecks,
  ...workerChecks,
  ...policyChecks,
  ...chunkChecks,
  ...aggregateChecks,
  ...indexChecks,
  ...indexBloatChecks,
  ...partitionChecks,
  ...replicationChecks,
  ...settingsChecks,
  ...grantChecks,
  ...cronChecks,
  ...hazardChecks,
]
