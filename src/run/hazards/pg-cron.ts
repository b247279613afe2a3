import type {Hazard} from './hazard.js'

type Entry = Pick<Hazard, 'since' | 'fixedIn' | 'touches' | 'what'>

/** By the number of the issue or pull request at github.com/citusdata/pg_cron. */
const entries: Readonly<Record<string, Entry>> = {
  'issues/239': {
    since: '1.5.0',
    fixedIn: ['1.5.1'],
    touches: 'cron_minutes',
    what: 'A schedule that begins with a number from 1 to 59 runs every that many seconds.',
  },
  'pull/262': {
    since: '1.5.0',
    fixedIn: ['1.5.2'],
    touches: 'cron_objects_before_1_5',
    what:
      'With the objects of an older version in the database, the library reads the names of jobs wrongly and ' +
      'crashes.',
  },
  // The notes of 1.6.3 list it; the code of 1.6.2 has the fix.
  'pull/292': {
    since: '1.6.0',
    fixedIn: ['1.6.2'],
    touches: 'cron_days',
    what:
      'The day of the month, the month and the weekday of a schedule are compared with the next day: jobs run a ' +
      'day early.',
  },
  'pull/286': {
    since: null,
    fixedIn: ['1.6.1'],
    touches: 'cron_jobs',
    what: 'If the scheduler is terminated, it is not started again, and no job runs until the server is restarted.',
  },
  'pull/319': {
    since: null,
    fixedIn: ['1.6.3'],
    touches: 'cron_jobs_of_postgres_15',
    what: 'DROP DATABASE waits for the scheduler while a job is scheduled every few seconds or running.',
  },
  'pull/347': {
    since: '1.5.0',
    fixedIn: ['1.6.4'],
    touches: 'cron_objects_before_1_5',
    what:
      'With the objects of an older version in the database, cron.unschedule() by name does not find the job or ' +
      'crashes.',
  },
  'pull/370': {
    since: null,
    fixedIn: ['1.6.6'],
    touches: 'cron_jobs',
    what: 'Removing a job while a run of it is starting crashes the scheduler, and with it the server.',
  },
}

/** Which of them a server has can only be narrowed down: pg_cron does not tell its version. */
export const pgCronHazards: readonly Hazard[] = Object.entries(entries).map(([path, entry]) => ({
  ...entry,
  id: `pg_cron-${path.split('/')[1]}`,
  product: 'pg_cron',
  effect: 'failure',
  unsafe: null,
  source: `https://github.com/citusdata/pg_cron/${path}`,
}))
