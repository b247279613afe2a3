import {describe, expect, it} from 'vitest'
import {planPolicies} from '../../../src/policies/plan/plan.js'
import {preview} from '../../../src/run/execute.js'
import {can} from '../../../src/engines/index.js'
import {declaredPolicies} from '../../../src/policies/declared/declared.js'
import {qicore} from '../../../src/qicore/definition.js'
import {distributable} from '../../../src/schema/distributable.js'
import {forEachEngine} from '../../helpers/engines.js'
import {replay} from '../../helpers/schema-replay.js'
import {request, run} from '../../helpers/policies.js'

describe('the policies of the definitions', () => {
  forEachEngine({}, (engine) => {
    it('are planned without changing anything, applied, and then nothing is left to plan', async () => {
      const database = await engine.database()
      await replay(database)
      const {db} = database
      await db.probe()
      const declared = declaredPolicies(can(engine.kind, 'distribution') ? distributable(qicore) : qicore, null)
      const first = await planPolicies(db, request(declared))
      const dry = await preview(db, first.plan)
      expect(dry.steps.map(({status}) => status)).toEqual(first.plan.steps.map(() => 'planned'))
      expect((await planPolicies(db, request(declared))).plan.steps).toEqual(first.plan.steps)

      const report = await run(db, first.plan)
      expect(report.steps.filter(({status}) => status !== 'done')).toEqual([])
      const kinds = first.changes.map(({key, do: what}) => `${what} ${key}`).sort()
      const community = engine.kind === 'timescaledb'
      expect(kinds).toEqual([
        // The other two have foreign keys, which columnar partitions do not accept.
        ...(engine.kind === 'citus' ? ['columnar public.market_analytics'] : []),
        ...(community
          ? ['compression public.crypto_prices', 'compression public.market_analytics', 'compression public.ohlcv_data']
          : []),
        'gated retention public.level1_data',
        'gated retention public.ohlcv_data',
        'refresh public.daily_ohlcv_summary',
        'refresh public.hourly_price_averages',
      ])
      const second = await planPolicies(db, request(declared))
      expect(second.changes).toEqual([])
      expect(second.unmanaged).toEqual([])
      const again = await run(db, first.plan)
      expect(again.steps.filter(({status}) => status === 'failed')).toEqual([])
      expect((await planPolicies(db, request(declared))).changes).toEqual([])
    })
  })
})
