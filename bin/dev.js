#!/usr/bin/env -S node --import tsx
// Runs src/ without a build: `npx tsx bin/dev.js stats`.
const {execute} = await import('@oclif/core')
await execute({development: true, dir: import.meta.url})
