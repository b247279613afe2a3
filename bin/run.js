#!/usr/bin/env node
import module from 'node:module'

// Node >= 22.8; a named import would be a link error on Node 20.
module.enableCompileCache?.()

const {execute} = await import('@oclif/core')
await execute({dir: import.meta.url})
