import {Args} from '@oclif/core'
import {BaseCommand, type ChangeReport} from '../../cli/base-command.js'
import {engineFlag} from '../../cli/engine-flag.js'
import {changeFlags} from '../../cli/flags.js'

export default class MigrateBaseline extends BaseCommand<typeof MigrateBaseline> {
  static override summary = 'Record a version and those before it as applied, without running them.'
  static override description =
    'For a database whose tables were created in another way. First checks that every object of these versions ' +
    'exists; if one is missing, nothing is recorded (exit 3). migrate up then applies the later versions.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> 1.2.0',
    '<%= config.bin %> <%= command.id %> app.1.0.0 --dry-run',
  ]
  static override args = {
    version: Args.string({description: 'last version whose objects exist already', required: true}),
  }
  static override flags = {
    ...changeFlags,
    engine: engineFlag('Engine whose files are recorded; default: the engine of the database.'),
  }

  async run(): Promise<ChangeReport> {
    const {flags} = this
    const [{planBaseline}, {requestFor}, {lockTimeoutMs}, config] = await Promise.all([
      import('../../schema/migrate/baseline.js'),
      import('../../schema/migrate/request.js'),
      import('../../schema/migrate/run.js'),
      this.loadConfig(),
    ])
    return this.withDatabase(
      async (db) => {
        const engine = flags.engine ?? db.server.engine
        const {request} = await requestFor(db, {configDirectory: config?.directory, engine})
        const replan = () => planBaseline(db, request, this.args.version)
        return this.confirmAndRun(db, await replan(), flags, {lockWait: await this.lockWait(lockTimeoutMs), replan})
      },
      {changes: true},
    )
  }
}
