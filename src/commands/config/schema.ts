import {BaseCommand} from '../../cli/base-command.js'

export default class ConfigSchema extends BaseCommand<typeof ConfigSchema> {
  static override summary = 'Print the JSON Schema of qicore-db.config.yaml.'
  static override description =
    'An editor completes and checks the file with it. It is also published as qicore-db/config.schema.json: "# ' +
    'yaml-language-server: $schema=./node_modules/qicore-db/config.schema.json" as the first line of the file.'
  static override examples = ['<%= config.bin %> <%= command.id %> > config.schema.json']

  async run(): Promise<Record<string, unknown>> {
    const {configJsonSchema} = await import('../../config/json-schema.js')
    const schema = configJsonSchema()
    if (!this.jsonEnabled()) this.logRaw(JSON.stringify(schema, null, 2))
    return schema
  }
}
