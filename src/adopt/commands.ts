import {commandsOf, eventTriggerNotes, type DdlCommand} from '../catalog/event-triggers.js'
import type {Database} from '../db/database.js'
import type {AdoptPlan} from './request.js'

const dropTrigger: DdlCommand = {tag: 'DROP TRIGGER', drops: true}

const removal: readonly DdlCommand[] = [
  {tag: 'DROP TABLE', drops: true},
  {tag: 'DROP FUNCTION', drops: true},
  {tag: 'DROP SCHEMA', drops: true},
]

/** The commands of each kind of step; a kind that is missing changes rows only. */
const byKind: Readonly<Record<string, readonly DdlCommand[]>> = {
  'adopt prepare': [
    {tag: 'CREATE SCHEMA'},
    {tag: 'CREATE TABLE'},
    {tag: 'ALTER TABLE'},
    {tag: 'REVOKE'},
    {tag: 'GRANT'},
    {tag: 'CREATE POLICY'},
    {tag: 'COMMENT'},
    {tag: 'CREATE INDEX'},
    {tag: 'CREATE FUNCTION'},
    {tag: 'ALTER FUNCTION'},
  ],
  'adopt partitions': [{tag: 'CREATE TABLE'}, {tag: 'ALTER TABLE'}],
  'adopt record': [{tag: 'CREATE TRIGGER'}, {tag: 'ALTER TABLE'}, dropTrigger],
  'adopt index': [{tag: 'CREATE INDEX'}, {tag: 'ALTER TABLE'}, {tag: 'COMMENT'}],
  'adopt foreign keys': [{tag: 'ALTER TABLE'}, {tag: 'COMMENT'}],
  'adopt swap': [
    // Foreign keys that reference the table are dropped and made again, and so is its place in a publication.
    {tag: 'ALTER TABLE', drops: true},
    {tag: 'ALTER PUBLICATION', drops: true},
    {tag: 'ALTER SEQUENCE'},
    {tag: 'CREATE VIEW'},
    {tag: 'CREATE STATISTICS'},
    {tag: 'ALTER STATISTICS'},
    {tag: 'CREATE TRIGGER'},
    {tag: 'COMMENT'},
    dropTrigger,
  ],
  'adopt remove': removal,
  'adopt drop': [...removal, {tag: 'DROP STATISTICS', drops: true}],
}

/** The plan with notes about the event triggers that would fire at its steps. Asks nothing if it has no steps. */
export async function withTriggerNotes(db: Database, planned: AdoptPlan): Promise<AdoptPlan> {
  const notes = await eventTriggerNotes(db, commandsOf(planned.plan.steps, byKind))
  return {...planned, notes: [...planned.notes, ...notes]}
}
