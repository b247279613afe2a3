import {withJsonInstants} from '../units/json-instants.js'

/** A report as a JSON document: its instants, and the condition of the database; null if it has none. */
export function jsonDocument(report: unknown, condition: readonly string[] | null): unknown {
  const document = withJsonInstants(report)
  return condition === null || typeof document !== 'object' || document === null ? document : {...document, condition}
}
