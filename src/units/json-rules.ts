/** What every JSON document promises, for the help and the documentation. */
export const jsonRules: readonly string[] = [
  '`--json` (or `--format json`) prints exactly one document on stdout, also on failure; text for people goes ' +
    'to stderr. The daemon and `--watch` print one document per line.',
  'Every report begins with `kind` (`"stats.compression"`), `version` (1), `target` (its name, or its URL ' +
    `without user and password; null for a command without a database) and \`at\` (the server's clock).`,
  'Names are camelCase. Sizes and counts are numbers; prices and other decimals are strings; times are ISO 8601 ' +
    'with zone. What is unknown or absent is `null`, never 0.',
  'A failure is `{"error": {"code", "message", "exitCode", "retryable", "suggestions"}}`. Programs decide by ' +
    '`code`, `exitCode` and `retryable`; `message` and `suggestions` are for people.',
  '`retryable` is `true` if the cause is temporary (a lock, a lost connection, a server that is starting): ' +
    'run the same command again after a pause. `false`: it fails in the same way until something is changed. ' +
    '`null`: unknown. A failed step of `steps` has it too.',
]

/** Changes that a later release may make without a new `version` of the document. */
export const compatibleChanges: readonly string[] = [
  'a new field, or a different order of fields',
  'a new value in a list of values (`kind`, `status`, `code`, `reason`, flags): treat a value that you do ' +
    'not know as unknown',
  'a new kind of document, a new error code, or a new exit code',
  'a different wording of `message`, `suggestions`, `note` and other sentences for people',
]

/** Changes that raise `version` and are in the changelog. */
export const breakingChanges: readonly string[] = [
  'a field that is removed or renamed',
  'a different type or unit of a field, or `null` where it was never `null`',
  'a different meaning of a field or of a value',
]
