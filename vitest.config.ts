import {defineConfig} from 'vitest/config'
import {LongestFirst} from './test/helpers/longest-first.js'

const results = process.env.QICORE_TEST_RESULTS

/** Not by `extends`, which would put maxWorkers into each project, and over --maxWorkers. */
const everywhere = {
  setupFiles: ['test/helpers/property-seed.ts', 'test/helpers/after-file.ts'],
  disableConsoleIntercept: true,
  testTimeout: 60_000,
  hookTimeout: 120_000,
}

export default defineConfig({
  test: {
    // Each embedded engine takes half a gigabyte and a core. The files that wait most, for pg_cron's next minute or for the
    // time limits of a silent network, use a tenth of a core: with a third worker, two cores are busy meanwhile.
    maxWorkers: 3,
    sequence: {sequencer: LongestFirst},
    projects: [
      {
        // They need nothing that is started, and share their modules, which take longer to load than most tests to run.
        test: {
          ...everywhere,
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          globalSetup: 'test/helpers/build-setup.ts',
          isolate: false,
        },
      },
      {
        test: {
          ...everywhere,
          name: 'engines',
          include: ['test/{engine,process}/**/*.test.ts'],
          globalSetup: 'test/helpers/global-setup.ts',
          setupFiles: [...everywhere.setupFiles, 'test/helpers/after-engine-file.ts'],
        },
      },
    ],
    // .ci/run reads the counts from a file of its own.
    ...(results && {reporters: ['default', 'json'], outputFile: {json: results}}),
  },
})
