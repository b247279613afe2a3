import fc from 'fast-check'

/**
 * Every run tries the same cases, so that a change is judged by itself; QICORE_TEST_SEED=random (or a number) tries
 * others, which is how new ones are found. A failure prints its seed either way.
 */
const wish = process.env.QICORE_TEST_SEED
fc.configureGlobal({seed: wish === 'random' ? Date.now() : Number(wish ?? 20_261_125)})
