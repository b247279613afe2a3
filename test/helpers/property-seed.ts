import fc from 'fast-check'

/**
 * Every run tries the same cases, so that a result does not change by chance; QICORE_TEST_SEED=random (or a number)
 * tries others, which finds new failures. A failure prints its seed in both cases.
 */
const request = process.env.QICORE_TEST_SEED
fc.configureGlobal({seed: request === 'random' ? Date.now() : Number(request ?? 20_261_125)})
