#!/usr/bin/env node
import module from 'node:module'

// AWS's library warns that its later versions need a newer Node; the version that exports use does not.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'

// Node >= 22.8; a named import would be a link error on Node 20.
module.enableCompileCache?.()

if (process.argv[2] === '__complete') {
  const {printCompletions} = await import('../dist/cli/completion/main.js')
  await printCompletions(process.argv.slice(3))
  process.exit()
}

const {normalizeArgv} = await import('../dist/cli/argv.js')
const argv = normalizeArgv(process.argv.slice(2))
const {exitOnSignal, sayInterrupted} = await import('../dist/cli/early-signals.js')
// A daemon that is stopped while it is still being loaded has nothing to give back.
if (argv[0] === 'daemon') exitOnSignal(0)
else exitOnSignal(130, () => sayInterrupted(argv))

const {flushOutput, tolerateClosedOutput} = await import('../dist/cli/closed-output.js')
tolerateClosedOutput()
if (argv.length === 1 && argv[0] === '--version') {
  process.stdout.write(await (await import('../dist/cli/version.js')).versionLine())
} else {
  const {flush, run} = await import('@oclif/core')
  try {
    await run(argv, import.meta.url)
    await flushOutput(flush)
  } catch (error) {
    const {reportError} = await import('../dist/cli/report-error.js')
    process.exit(reportError(error))
  }
}
