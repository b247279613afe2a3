import {describe, expect, it} from 'vitest'
import {expectLaw} from '../../helpers/doctor.js'
import {enginesFor, forEachEngine, skipBecause} from '../../helpers/engines.js'

const sqlOf = (text: string) => text.slice(text.lastIndexOf(': ') + 2)

// max_wal_size is a setting of the whole server: it is changed on the server that this run has started.
const own = enginesFor({kinds: ['postgres'], native: true}).find(({name}) => name === 'postgres18')

describe('doctor, replication', () => {
  if (own === undefined) skipBecause('the run has no server of its own')
  else
    it('finds a slot without a consumer that keeps more WAL than max_wal_size', async () => {
      const database = await own.database()
      const slot = `${database.db.server.database}_slot`
      await database.autocommit("alter system set max_wal_size = '32MB'")
      await database.run('select pg_reload_conf()')
      try {
        await database.run('create table filler (v int)')
        const [found] = await expectLaw(
          database,
          'replication.slot',
          async () => {
            await database.run(`select pg_create_physical_replication_slot('${slot}', true)`)
            for (let segment = 0; segment < 4; segment += 1) {
              await database.run('insert into filler values (1)')
              await database.run('select pg_switch_wal()')
            }
          },
          {follow: ([fix]) => database.autocommit(sqlOf(fix!.text))},
        )
        expect(found!.data).toMatchObject({slot, active: false, limitBytes: 32 * 1024 ** 2})
      } finally {
        await database.autocommit('alter system reset max_wal_size')
        await database.run('select pg_reload_conf()')
      }
    })

  forEachEngine({kinds: ['timescaledb']}, (engine) => {
    it('finds a publication of a hypertable that does not send the chunks created since', async () => {
      const database = await engine.database()
      await database.run('create table ticks (time timestamptz not null, v float)')
      await database.run("select create_hypertable('ticks', 'time', chunk_time_interval => interval '1 day')")
      await database.run("insert into ticks values ('2024-01-01', 1), ('2024-01-02', 2)")
      const [found] = await expectLaw(
        database,
        'replication.chunks_not_published',
        async () => {
          await database.autocommit('create publication feed for table ticks')
          await database.run("insert into ticks values ('2024-01-03', 3)")
        },
        {follow: ([fix]) => database.autocommit(sqlOf(fix!.text))},
      )
      expect(found).toMatchObject({
        object: {schema: 'public', table: 'ticks'},
        data: {publication: 'feed', chunks: 3, published: 2},
      })
    })
  })
})
