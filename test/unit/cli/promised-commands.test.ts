import {readFileSync} from 'node:fs'
import {describe, expect, it} from 'vitest'

interface Listed {
  aliases?: string[]
  args?: Record<string, {required?: boolean}>
  flags: Record<string, {options?: string[]}>
}

/** What scripts call. Compared as data with the committed manifest; manifest.test.ts compares that with the commands. */
const {commands} = JSON.parse(readFileSync(new URL('../../../oclif.manifest.json', import.meta.url), 'utf8')) as {
  commands: Record<string, Listed>
}

const change = 'dry-run sql yes confirm accept at-most'
const fleet = 'targets all-targets parallel'
const report = 'format csv no-headers'

/** Each promised command: arguments in order (required ones in capitals), then the flags that are its own. */
const promised = `
  activity |
  aggregates list | | ${report} ${fleet}
  aggregates refresh | VIEW | from to ${change}
  chunks compress | TABLE | older-than workers ${change}
  chunks decompress | TABLE | from to ${change}
  chunks drop | TABLE | older-than ${change}
  chunks list | table | late map ${report} ${fleet}
  config schema |
  config show |
  cron install | | ${change}
  cron status | | ${report} ${fleet}
  cron uninstall | | ${change}
  daemon | | targets all-targets listen
  demo | | fresh as-of
  doctor | table | only skip fail-on ${report} ${fleet}
  history |
  history show | ID
  jobs history | job | ${report}
  jobs list | | watch ${report} ${fleet}
  jobs next | job | ${report}
  jobs pause | JOB | dry-run
  jobs resume | JOB | dry-run
  jobs run | JOB | dry-run yes confirm all-targets
  jobs show | ID
  jobs simulate | job
  jobs why | JOB
  migrate baseline | VERSION | ${change}
  migrate new | NAME
  migrate status | | ${report} ${fleet}
  migrate up | | to all-targets ${change}
  partitions adopt | TABLE | undo ${change}
  partitions create | TABLE | from to ${change}
  partitions detach | TABLE | older-than ${change}
  partitions drain | TABLE | ${change}
  partitions drop | TABLE | older-than ${change}
  partitions ensure | table | all-targets ${change}
  partitions list | table | check ${report} ${fleet}
  policies apply | file | prune ${change}
  policies import | table | write
  policies list | table | ${report}
  policies plan | | out ${report} ${fleet}
  policies remove | KIND TABLE | ${change}
  policies set compression | TABLE | ${change}
  policies set refresh | VIEW | ${change}
  policies set retention | TABLE | native ${change}
  policies status | table | watch fail-on ${report} ${fleet}
  policies why | TABLE kind
  prices history | COIN EXCHANGE | ${report}
  prices latest | | ${report}
  prices top | | ${report}
  report | | html from
  schema create | | to ${change}
  schema generate | WHAT
  schema verify | | ${report} ${fleet}
  stats | table | fast watch ${report} ${fleet}
  stats chunks | table | late map ${report} ${fleet}
  stats compression | table | ${report} ${fleet}
  stats growth | table | ${report} ${fleet}
  stats queries | table | limit ${report} ${fleet}
  validate | TYPE file | as-of
`
  .trim()
  .split('\n')
  .map((line) => {
    const [name, args, flags] = line.split('|').map((part) => part.trim())
    return {name: name!, args: (args ?? '').split(' ').filter(Boolean), flags: (flags ?? '').split(' ').filter(Boolean)}
  })

/** Under its id or one of its aliases, which oclif lists and runs like commands. */
function listed(name: string): Listed | undefined {
  const id = name.replaceAll(' ', ':')
  return commands[id] ?? Object.values(commands).find(({aliases}) => aliases?.includes(id))
}

describe.each(promised.map((command) => [command.name, command] as const))(
  'the promised command %s',
  (name, command) => {
    it('has its arguments and flags', () => {
      const {args = {}, flags} = listed(name) ?? {flags: {}}
      expect(Object.entries(args).map(([arg, {required}]) => (required ? arg.toUpperCase() : arg))).toEqual(
        command.args,
      )
      expect(Object.keys(flags)).toEqual(expect.arrayContaining(command.flags))
    })

    it('finds its database and configuration as every command does, and prints JSON', () => {
      const everywhere = ['url', 'target', 'config', 'role', 'lock-timeout', 'wait', 'quiet']
      // The daemon prints lines of JSON instead of one document.
      if (name !== 'daemon') everywhere.push('json')
      expect(Object.keys(listed(name)?.flags ?? {})).toEqual(expect.arrayContaining(everywhere))
    })
  },
)

it('offers every output format, and what a script may count as a finding', () => {
  for (const [id, {flags}] of Object.entries(commands)) {
    if (flags.format) expect(flags.format.options, id).toEqual(['table', 'csv', 'markdown', 'json'])
    if (flags['fail-on'] && id !== 'doctor')
      expect(flags['fail-on'].options, id).toEqual(expect.arrayContaining(['never', 'late', 'unknown']))
  }
  expect(Object.values(commands).some(({flags}) => flags['fail-on'])).toBe(true)
})
