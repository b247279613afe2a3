import {defineConfig} from 'vitest/config'
import {LongestFirst} from './test/helpers/longest-first.js'

const results = process.env.QICORE_TEST_RESULTS

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/helpers/global-setup.ts',
    setupFiles: 'test/helpers/property-seed.ts',
    disableConsoleIntercept: true,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Each embedded engine takes half a gigabyte and a core: two at a time is what two cores carry.
    maxWorkers: 2,
    sequence: {sequencer: LongestFirst},
    // .ci/run reads the counts from a file of its own.
    ...(results && {reporters: ['default', 'json'], outputFile: {json: results}}),
  },
})
