import {z} from 'zod'
import {about} from './fields.js'
import {jobsSchema} from './jobs.js'
import {aggregatesSection, limitsSection, tablesSection} from './sections.js'
import {group, target, targetName} from './target-fields.js'
import {targetProblems} from './target-problems.js'

const whole = z.strictObject({
  version: about(z.literal(1), 'Version of this format.'),
  default: about(z.string().min(1).optional(), 'Target of a command that names no database.', {examples: ['local']}),
  targets: about(z.record(targetName, target).default({}), 'Databases by name, for --target.', {
    examples: [{local: {url: 'embedded:.qicore/db'}}],
  }),
  groups: about(z.record(targetName, group).default({}), 'Groups of targets by name, with settings of their own.', {
    examples: [{prod: {targets: ['paris', 'prod-*'], limits: {lateAfter: '1 day'}}}],
  }),
  migrations: about(
    z.enum(['all', 'own']).optional(),
    'own: migrate up and migrate status omit the tables of QiCore.',
    {default: 'all'},
  ),
  limits: about(limitsSection.default({}), 'Timeouts and limits of every change.', {examples: [{lockTimeout: '5s'}]}),
  tables: about(
    tablesSection.default({}),
    'Tables by schema.name: their policies, and descriptions of your own tables.',
    {
      examples: [{'public.ticks': {compression: {after: '7 days'}}}],
    },
  ),
  aggregates: about(aggregatesSection.default({}), 'Aggregates by schema.name: their policies.', {
    examples: [{'public.ticks_1h': {refresh: {startOffset: '3 hours', endOffset: '1 hour', every: '1 hour'}}}],
  }),
  jobs: about(jobsSchema.default({}), 'Scheduled jobs by name; none disables a default job.', {
    examples: [{maintain: {schedule: '0 2 * * *'}, refresh: 'none'}],
  }),
})

/** The validated configuration file: durations are parsed, `${…}` is not expanded yet. */
export const configSchema = whole.superRefine(
  (file, context) => {
    for (const {path, message} of targetProblems(file)) context.addIssue({code: 'custom', path: [...path], message})
  },
  {when: ({value}) => typeof value === 'object' && value !== null},
)

export type ConfigFile = z.output<typeof configSchema>
