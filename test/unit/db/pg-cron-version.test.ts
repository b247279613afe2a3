import {expect, it} from 'vitest'
import {pgCronRange} from '../../../src/db/pg-cron-version.js'

const of1_3 = ['cron.database_name', 'cron.max_running_jobs']
const of1_4 = [...of1_3, 'cron.enable_superuser_jobs']
const of1_5 = [...of1_4, 'cron.timezone']
const of1_6 = [...of1_5, 'cron.launch_active_jobs']

it.each([
  [14, of1_3, '1.3', null, '1.3.1'],
  [14, of1_4, '1.4', '1.4.0', '1.4.1'],
  [15, of1_4, '1.4-1', '1.4.2', '1.4.2'],
  [14, of1_5, '1.5', '1.5.0', '1.5.2'],
  // 1.6.0 has the files of 1.5.
  [14, of1_6, '1.5', '1.6.0', '1.6.0'],
  [16, of1_6, '1.6', '1.6.0', null],
  [17, of1_6, '1.6', '1.6.3', null],
  [18, of1_6, '1.6', '1.6.6', null],
  [19, of1_6, '1.6', '1.6.6', null],
  // A role that may not see the settings.
  [16, [], '1.6', '1.5.2', null],
  [14, [], null, null, null],
  // New files, and a server that was not restarted since.
  [14, of1_4, '1.6', '1.4.0', '1.4.2'],
  // A build of 1.4.2 for PostgreSQL 16 is patched: its settings count.
  [16, of1_4, '1.4-1', '1.4.0', '1.4.2'],
])(
  'PostgreSQL %i with the settings %j and files of %s has pg_cron %s to %s',
  (major, settings, available, from, to) => {
    expect(pgCronRange({versionNum: major * 10_000 + 3, settings, available})).toEqual({from, to})
  },
)
