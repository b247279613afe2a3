import {Args, Flags} from '@oclif/core'
import {BaseCommand} from '../../cli/base-command.js'
import {usageError} from '../../errors.js'
import type {ImportedEntry} from '../../policies/declared/import.js'
import {command} from '../../units/command.js'

interface ImportReport {
  kind: 'policies.import'
  version: 1
  target: string
  at: string
  entries: ImportedEntry[]
  notes: string[]
  /** The file that was written; null: only printed. */
  written: string | null
}

export default class PoliciesImport extends BaseCommand<typeof PoliciesImport> {
  static override summary = 'Print the live policies of the database as a section of the configuration.'
  static override description =
    'Covers every table that has a policy, or the named one: chunk interval, compression, retention, refresh, ' +
    'and the unit of integer times. The database is not changed.\n' +
    '--write adds and updates these entries in the configuration file; comments and all other entries are kept. ' +
    'Declared policies that are not live are not removed: policies apply creates them.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> ticks --write',
  ]
  static override args = {table: Args.string({description: 'table or aggregate, as name or schema.name'})}
  static override flags = {write: Flags.boolean({summary: 'Edit the configuration file.'})}

  async run(): Promise<ImportReport> {
    const [{readImport}, {readDeclared}, {printSections, editConfig}, {sectionsOf}, config] = await Promise.all([
      import('../../policies/declared/import.js'),
      import('../../policies/declared/read-declared.js'),
      import('../../config/write.js'),
      import('../../cli/policy-request.js'),
      this.loadConfig(),
    ])
    if (this.flags.write && config === null)
      throw usageError('CONFIG', 'There is no configuration file to write to.', [
        'Create a qicore-db.config.yaml that starts with "version: 1", or name one with --config.',
      ])
    return this.withDatabase(async (db) => {
      const {maxDropPerRun} = await this.limits()
      const {entries, notes} = await readImport(db, {
        declared: await readDeclared(db, sectionsOf(config)),
        maxDropPerRun,
        table: this.args.table,
      })
      const edits = (only: boolean) =>
        entries.flatMap(({section, key, fields, differs}) =>
          Object.entries(fields)
            .filter(([field]) => !only || differs.includes(field))
            .map(([field, value]) => ({section, key, field, value})),
        )
      for (const note of notes) this.report(note)
      const changes = edits(true)
      if (this.flags.write && changes.length > 0) await editConfig(config!.file, changes)
      if (this.flags.write)
        for (const {section, key, field} of changes) this.report(`${config!.file}: ${section}.${key}.${field}`)
      if (!this.jsonEnabled()) {
        if (this.flags.write)
          this.log(
            changes.length === 0
              ? 'The configuration already has every live policy as it is.'
              : `${changes.length} ${changes.length === 1 ? 'field' : 'fields'} written. Next: ` +
                  `${command('policies plan')}`,
          )
        else this.logRaw(entries.length === 0 ? '# no policies here' : (await printSections(edits(false))).trimEnd())
      }
      return {
        kind: 'policies.import',
        ...(await this.reportHead(db)),
        entries,
        notes,
        written: this.flags.write && changes.length > 0 ? config!.file : null,
      }
    })
  }
}
