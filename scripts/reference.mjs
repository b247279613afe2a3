// Writes docs/reference.md from oclif.manifest.json, the columns of the reports and the topics of the help: every command
// as its own --help says it; and the topics of the help into the README, between `<!-- generated: name -->` and
// `<!-- end -->`.
// `--check` writes nothing and fails when a file is not what it would write.
import {readFileSync, writeFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {Config, Help} from '@oclif/core'
import {helpTopics, topicMarkdown} from '../dist/cli/help-topics.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const file = `${root}docs/reference.md`

const config = await Config.load({root})
const help = new Help(config, {stripAnsi: true, maxWidth: 80})
const own = config.commands
  .filter(({pluginName, hidden}) => pluginName === config.name && !hidden)
  .sort((a, b) => (a.id < b.id ? -1 : 1))

/** The columns of each table that a report prints, from the data that every output format is made from. */
async function columnsOf(command) {
  const {tables} = await command.load()
  const lines = []
  for (const [chosenBy, load] of Object.entries(tables?.() ?? {})) {
    const {columns} = await load()
    const ids = columns.map(({id, show}) => `\`${id}\`${show === 'people' ? ' (not in CSV)' : ''}`)
    lines.push(`Columns${chosenBy === '' ? '' : ` with \`${chosenBy}\``}: ${ids.join(', ')}.\n`)
  }
  return lines.map((line) => `\n${line}`).join('')
}

const columns = new Map(await Promise.all(own.map(async (command) => [command.id, await columnsOf(command)])))
const sections = own.map((command) => {
  // The formatter writes the id with spaces into what it is given.
  const text = help
    .formatCommand({...command, aliases: [...(command.aliases ?? [])]})
    .replace(/[ \t]+$/gm, '')
    .trim()
  return `## ${config.bin} ${command.id.replaceAll(':', ' ')}\n\n\`\`\`text\n${text}\n\`\`\`\n${columns.get(command.id)}`
})
const titles = {'exit-codes': 'Exit codes', environment: 'Environment', json: 'JSON'}
const topics = helpTopics.map(
  (topic) =>
    `## ${titles[topic.name]}\n\n\`${config.bin} help ${topic.name}\` prints this.\n\n${topicMarkdown(topic)}\n`,
)

const text = `# Commands

Generated from the program itself by \`npm run generate\`; do not edit. \`${config.bin} <command> --help\` shows the same.
Topic and verb may be written with a space or a colon: \`stats chunks\`, \`stats:chunks\`. A report lists the ids of its columns,
which are the CSV header and what \`--sort\` takes.

${own.map(({id, summary}) => `- [\`${id.replaceAll(':', ' ')}\`](#${config.bin}-${id.replaceAll(':', '-')}): ${summary}`).join('\n')}

${sections.join('\n')}
${topics.join('\n')}`

const readme = `${root}README.md`
const withTopics = helpTopics.reduce(
  (text, topic) =>
    text.replace(
      new RegExp(`(<!-- generated: ${topic.name} -->\\n)[\\s\\S]*?(<!-- end -->)`),
      (_, begin, end) => `${begin}${topicMarkdown(topic)}\n${end}`,
    ),
  readFileSync(readme, 'utf8'),
)

for (const [path, wanted] of [
  [file, text],
  [readme, withTopics],
]) {
  if (!process.argv.includes('--check')) writeFileSync(path, wanted)
  else if (readFileSync(path, 'utf8') !== wanted) {
    console.error(`${path.slice(root.length)} is not what the program says: npm run generate`)
    process.exitCode = 1
  }
}
