#!/usr/bin/env node
import module from 'node:module'

// Node >= 22.8; a named import would be a link error on Node 20.
module.enableCompileCache?.()

// A daemon that is stopped while it is still being loaded has nothing to give back.
if (process.argv[2] === 'daemon') (await import('../dist/cli/early-signals.js')).exitEarly(0)

const {execute} = await import('@oclif/core')
await execute({dir: import.meta.url})
