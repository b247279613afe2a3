import {ExitCode, exitCodeMeaning} from '../errors.js'
import {environmentVariables} from '../units/environment.js'
import {breakingChanges, compatibleChanges, jsonRules} from '../units/json-rules.js'

/** A page of the help about no command, made from the data that the code uses. */
export interface HelpTopic {
  name: string
  summary: string
  parts: readonly Part[]
}

type Part =
  | {kind: 'paragraph'; text: string}
  /** Facts in a row each; on a terminal the first cell is a heading where it is long. */
  | {kind: 'table'; head: readonly [string, string]; rows: readonly (readonly [string, string])[]}
  | {kind: 'list'; title: string; items: readonly string[]}

const paragraph = (text: string): Part => ({kind: 'paragraph', text})

export const helpTopics: readonly HelpTopic[] = [
  {
    name: 'exit-codes',
    summary: 'What each exit code means.',
    parts: [
      paragraph(
        'Exit codes are the same with and without `--json`. Scripts should treat an unknown code as a failure.',
      ),
      {
        kind: 'table',
        head: ['code', 'meaning'],
        rows: (Object.keys(ExitCode) as (keyof typeof ExitCode)[]).map((name) => [
          String(ExitCode[name]),
          exitCodeMeaning[name],
        ]),
      },
    ],
  },
  {
    name: 'environment',
    summary: 'The variables that are read, and what overrides them.',
    parts: [
      paragraph('Flag > environment > configuration > default; `config show` prints every value with its source.'),
      {
        kind: 'table',
        head: ['variable', 'meaning'],
        rows: environmentVariables.map(({names, meaning, flag, setting}) => [
          names.map((name) => `\`${name}\``).join(', '),
          [meaning, flag && `flag \`${flag}\``, setting && `setting \`${setting}\``].filter(Boolean).join('; '),
        ]),
      },
      paragraph(
        'The database: `--url` > `--target` > `QICORE_DB_URL` or `QICORE_TARGET` > `DATABASE_URL` > ' +
          `libpq's variables > the \`default\` target of the configuration.`,
      ),
      paragraph('An empty variable counts as not set. No `.env` file is read.'),
    ],
  },
  {
    name: 'json',
    summary: 'What JSON documents promise, and which changes are compatible.',
    parts: [
      {kind: 'list', title: '', items: jsonRules},
      {kind: 'list', title: 'Any release may make these compatible changes:', items: compatibleChanges},
      {kind: 'list', title: 'These changes raise the `version` of the document:', items: breakingChanges},
    ],
  },
]

/** A topic by its name, or null. */
export function helpTopic(name: string | undefined): HelpTopic | null {
  return helpTopics.find((topic) => topic.name === name) ?? null
}

/** For a terminal: lines that may be wider than it, to be broken between words. */
export function topicText({parts}: HelpTopic): string {
  return parts.map((part) => plain(textOf(part))).join('\n\n')
}

function textOf(part: Part): string {
  if (part.kind === 'paragraph') return part.text
  if (part.kind === 'list')
    return [...(part.title === '' ? [] : [part.title]), ...part.items.map((item) => `- ${item}`)].join('\n')
  const width = Math.max(...part.rows.map(([cell]) => cell.length))
  if (width > 30) return part.rows.map(([cell, fact]) => `${cell}\n    ${fact}`).join('\n')
  return part.rows.map(([cell, fact]) => `  ${cell.padStart(width)}  ${fact}`).join('\n')
}

/** Without the backquotes of Markdown. */
function plain(text: string): string {
  return text.replaceAll('`', '')
}

/** The same for docs/reference.md and the README. */
export function topicMarkdown({parts}: HelpTopic): string {
  return parts.map(markdownOf).join('\n\n')
}

function markdownOf(part: Part): string {
  if (part.kind === 'paragraph') return part.text
  if (part.kind === 'list')
    return [...(part.title === '' ? [] : [part.title, '']), ...part.items.map((item) => `- ${item}`)].join('\n')
  return [`| ${part.head.join(' | ')} |`, '|---|---|', ...part.rows.map((row) => `| ${row.join(' | ')} |`)].join('\n')
}
