import {z} from 'zod'
import {redact} from '../db/redact.js'
import {embeddedDirectory} from '../db/database.js'
import {about} from './fields.js'
import {jobsSchema} from './jobs.js'
import {aggregatesSection, limitsSection, tableSettings} from './sections.js'

const url = z
  .string()
  .min(1)
  .refine(
    (text) => !holdsPassword(text),
    'a password does not belong in this file; use ${VARIABLE}, PGPASSWORD or PGPASSFILE',
  )

const labelName = /^(?!__|target$)[A-Za-z_]\w*$/
/** Settings that apply to one target or one group, over those of the file. */
const ownSettings = {
  labels: about(
    z
      .record(z.string().regex(labelName, 'a label has letters, digits and _, and is not "target"'), z.string().min(1))
      .optional(),
    'Labels of the target, or of every target of the group, in reports about many targets.',
    {examples: [{region: 'eu', tier: 'gold'}]},
  ),
  limits: about(limitsSection.optional(), 'Timeouts and limits. A field replaces that of the file.', {
    examples: [{lockTimeout: '5s'}],
  }),
  tables: about(tableSettings.optional(), 'Tables by schema.name. A field of an entry replaces that of the file.', {
    examples: [{'public.ticks': {retention: {after: '90 days'}}}],
  }),
  aggregates: about(
    aggregatesSection.optional(),
    'Aggregates by schema.name. A field of an entry replaces that of the file.',
    {examples: [{'public.ticks_1h': {refresh: 'none'}}]},
  ),
  jobs: about(jobsSchema.optional(), 'Jobs by name. An entry replaces that of the file.', {
    examples: [{maintain: {schedule: '0 3 * * *'}, refresh: 'none'}],
  }),
}

const databasePattern = z.string().min(1)

export const target = z
  .strictObject({
    url: about(
      url,
      'Address of the database: postgres://… or embedded:<directory>. ${VARIABLE} is read from the environment.',
      {
        examples: ['postgres://ops@db1:5432/market', '${QICORE_PROD_URL}', 'embedded:.qicore/db'],
      },
    ),
    directUrl: about(
      url.optional(),
      'Address that bypasses a transaction pooler, for operations that need a session: refresh, detach, daemon.',
      {examples: ['${QICORE_PROD_DIRECT_URL}']},
    ),
    role: about(z.string().min(1).optional(), 'Role for changes (SET ROLE), which then owns what they create.', {
      examples: ['market_owner'],
    }),
    protected: about(
      z.boolean().default(false),
      'Changes that are hard to undo also require the name of the target (--confirm <name>; --yes is not enough).',
      {
        examples: [true],
      },
    ),
    databases: about(
      z.union([databasePattern, z.array(databasePattern).min(1)]).optional(),
      'Databases of the server, by a pattern (* and ?): each of them is a target <target>/<database>.',
      {examples: ['tenant_*', ['tenant_*', 'archive']]},
    ),
    ...ownSettings,
  })
  .refine(({url: text, databases}) => databases === undefined || embeddedDirectory(text) === null, {
    message: 'an embedded directory has one database',
    path: ['databases'],
  })

export const group = z.strictObject({
  targets: about(
    z.array(z.string().min(1)).min(1),
    'Names of targets, patterns of them (* and ?), and <target>/<database>.',
    {examples: [['paris', 'prod-*'], ['tenants/acme']]},
  ),
  ...ownSettings,
})

/** The name of a target or a group. */
export const targetName = z.string().regex(/^[\w.-]+$/, 'a name has letters, digits, . _ -')

/** Whether the text has a password outside of variables. */
function holdsPassword(text: string): boolean {
  const rest = text.replace(/:(\$\{\w+\})?@/, '@').replace(/password=(\$\{\w+\})?(?=[&\s]|$)/gi, '')
  return redact(rest) !== rest
}
