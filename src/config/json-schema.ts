import {z} from 'zod'
import {editorHints} from './fields.js'
import {configSchema} from './schema.js'

/** What an editor completes and checks qicore-db.config.yaml with. */
export function configJsonSchema(): Record<string, unknown> {
  const {$schema, ...rest} = z.toJSONSchema(configSchema, {
    io: 'input',
    override: ({zodSchema, jsonSchema}) => void Object.assign(jsonSchema, editorHints.get(zodSchema as never)),
  }) as Record<string, unknown>
  return {$schema, title: 'qicore-db.config.yaml', ...rest}
}
