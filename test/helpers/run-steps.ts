import {statement} from '../../src/db/sql.js'
import {defaultLimits, type Limits} from '../../src/run/limits.js'
import type {Plan, Step} from '../../src/run/step.js'

/** Limits so short that a test need not wait for minutes. */
export const quick: Limits = {
  ...defaultLimits,
  lockTimeout: 200,
  exclusiveLockTimeout: 200,
  firstRetry: 50,
  longestRetry: 200,
  retryBudget: 5_000,
}

/** A step that inserts one row into public.work(name), and checks that table to see whether it is done. */
export function insertStep(name: string, over: Partial<Step> = {}): Step {
  return {
    id: `insert ${name}`,
    kind: 'insert',
    object: `row ${name}`,
    statements: [statement('insert into public.work (name) values ($1)', [name])],
    lock: 'ROW EXCLUSIVE',
    class: 'safe',
    transaction: 'own',
    doneCheck: statement('select exists (select from public.work where name = $1) as done', [name]),
    repeatable: false,
    dependsOn: [],
    relations: ['public.work'],
    bytes: 10,
    ...over,
  }
}

/** A step that nothing runs: for tests of plans, queues and scripts. */
export function plainStep(more: Partial<Step>): Step {
  return {
    id: 'drop a',
    kind: 'drop',
    object: 'a',
    statements: [statement('select 1')],
    lock: 'NONE',
    class: 'safe',
    transaction: 'own',
    doneCheck: null,
    repeatable: true,
    dependsOn: [],
    relations: [],
    bytes: null,
    ...more,
  }
}

export function planOf(...steps: Step[]): Plan {
  return {operation: 'test', summary: 'put rows into work', cutoff: null, tables: ['public.work'], locks: [], steps}
}

export const workTable = 'create table work (name text primary key, at timestamptz default clock_timestamp())'
