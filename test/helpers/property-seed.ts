import fc from 'fast-check'

/**
 * Every run tries the same cases, so that a change is judged by itself; QICORE_TEST_SEED=random (or a number) tries
 * others, which is how new ones are found. A failure prints its seed either way.
 */
const request = process.env.QICORE_TEST_SEED
fc.configureGlobal({seed: request === 'random' ? Date.now() : Number(request ?? 20_261_125)})
