// Runs bin/run.js again and again in one process, for test/helpers/cli-hosts.ts: a command starts in milliseconds
// because Node, the modules and the embedded engine are already loaded. Each command gets its own arguments, environment,
// directory and exit code. It writes to the real stdout and stderr; a mark there ends its output.
import {register} from 'node:module'
import {Readable} from 'node:stream'
import {setTimeout as sleep} from 'node:timers/promises'

const keptEngine = new URL('kept-engine.mjs', import.meta.url).href
const hooks = `
  export async function resolve(specifier, context, next) {
    const found = await next(specifier, context)
    return found.url.endsWith('/dist/db/embedded.js') && context.parentURL !== ${JSON.stringify(keptEngine)}
      ? {...found, url: ${JSON.stringify(keptEngine)}}
      : found
  }`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)

const {isKept, release} = await import(keptEngine)
const {nameTargetOfDaemon, repeatInCommands} = await import('../../dist/units/command.js')

const emitters = [
  [process.stdout, 'error'],
  [process.stderr, 'error'],
  // oclif waits for it once per command.
  [process.stdout, 'drain'],
  [process.stderr, 'drain'],
  [process, 'SIGINT'],
  [process, 'SIGTERM'],
]
const own = emitters.map(([emitter, event]) => emitter.listeners(event))
const end = process.exit
/** bin/run.js ends the process after an error; any other exit really ends it. */
class Exit {
  constructor(code) {
    this.code = code
  }
}
process.exit = (code) => {
  if (new Error().stack.split('\n')[2]?.includes('/bin/run.js')) throw new Exit(code)
  end(code)
}

let count = 0

async function run({args, env, cwd}) {
  for (const name of Object.keys(process.env)) delete process.env[name]
  Object.assign(process.env, env)
  process.chdir(cwd)
  process.argv = [process.execPath, new URL('../../bin/run.js', import.meta.url).pathname, ...args]
  process.exitCode = undefined
  Object.defineProperty(process, 'stdin', {value: Readable.from([]), configurable: true})
  delete globalThis.oclif
  repeatInCommands({})
  nameTargetOfDaemon(null)
  const before = resources()
  let code
  try {
    // Another URL, because a module runs once.
    await import(`../../bin/run.js?${(count += 1)}`)
  } catch (error) {
    if (!(error instanceof Exit)) throw error
    code = error.code
  }
  // A process ends when nothing keeps its event loop alive.
  if (code === undefined) while (resources() > before) await sleep(5)
  code ??= process.exitCode ?? 0
  process.exitCode = undefined
  emitters.forEach(([emitter, event], index) => {
    for (const listener of emitter.listeners(event))
      if (!own[index].includes(listener)) emitter.removeListener(event, listener)
  })
  process.chdir('/')
  return code
}

/** How many timers, sockets and children keep the event loop alive; not the engine's thread. */
function resources() {
  return process.getActiveResourcesInfo().filter((kind) => /^(Timeout|TCP|TLS|Process)/.test(kind)).length
}

process.on('disconnect', () => end(0))
process.on('message', async (message) => {
  if (message.kind === 'release') {
    await release()
    return process.send({kind: 'released'})
  }
  const exitCode = await run(message)
  for (const stream of [process.stdout, process.stderr]) stream.write(message.mark)
  process.send({kind: 'ended', exitCode, keeps: isKept()})
})
process.send({kind: 'ready'})
