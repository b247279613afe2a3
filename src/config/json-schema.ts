import {z} from 'zod'
import {editorHints} from './fields.js'
import {configSchema} from './schema.js'

/** The JSON Schema with which editors complete and validate qicore-db.config.yaml. */
export function configJsonSchema(): Record<string, unknown> {
  const {$schema, ...rest} = z.toJSONSchema(configSchema, {
    io: 'input',
    override: ({zodSchema, jsonSchema}) => void Object.assign(jsonSchema, editorHints.get(zodSchema as never)),
  }) as Record<string, unknown>
  return {$schema, title: 'qicore-db.config.yaml', ...rest}
}
