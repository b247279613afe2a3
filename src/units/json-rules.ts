/** What every JSON document promises, for the help and the documentation. */
export const jsonRules: readonly string[] = [
  '`--json` (or `--format json`) prints exactly one document on stdout, also on failure; everything for people goes to stderr. The daemon, and `--watch`, print one document a line.',
  'Every report begins with `kind` (`"stats.compression"`), `version` (1), `target` (its name, or its URL without user and password; null for a command without a database) and `at` (the server\'s clock).',
  'Names are camelCase. Sizes and counts are numbers; prices and other decimals are strings; times are ISO 8601 with zone. What is unknown or absent is `null`, never 0.',
  'A failure is `{"error": {"code", "message", "exitCode", "retryable", "suggestions"}}`. Programs decide by `code`, `exitCode` and `retryable`; `message` and `suggestions` are for people.',
  '`retryable` is `true` where the cause passes by itself (a lock, a lost connection, a server that starts): run the same command again after a pause. `false`: it fails the same way until something is changed. `null`: not known. A failed step of `steps` has it too.',
]

/** Changes that a later release may make without a new `version` of the document. */
export const compatibleChanges: readonly string[] = [
  'a new field, and another order of the fields',
  'a new value in a list of values (`kind`, `status`, `code`, `reason`, flags): treat one that you do not know as unknown',
  'a new kind of document, a new error code and a new exit code',
  'another text of `message`, `suggestions`, `note` and other sentences for people',
]

/** Changes that raise `version` and are in the changelog. */
export const breakingChanges: readonly string[] = [
  'a field that is removed or renamed',
  'another type or unit of a field, or `null` where it was never `null`',
  'another meaning of a field or of a value',
]
