/**
 * `jobs simulate` over a year of a job that runs every ten seconds (3 153 600 due times), in UTC and in a zone that
 * changes its clocks, against the least that croner must be asked: once for each hour of that year.
 */
import {Cron} from 'croner'
import type {Job} from '../src/config/jobs.js'
import {simulate} from '../src/schedule/simulate.js'
import {race, report, type Goal, type Timing} from './measure.js'

const from = Date.UTC(2026, 0, 1)
const to = Date.UTC(2027, 0, 1)
const hour = 3_600_000
const schedule = '*/10 * * * * *'
const rounds = Number(process.env.ROUNDS ?? 5)

function simulateYear(timezone: string): number {
  const job = {name: 'tick', schedule, timezone, jitter: 0, window: null} as unknown as Job
  return simulate([job], from, to, 100).total
}

function askEachHour(timezone: string): void {
  const cron = new Cron(schedule, {timezone, paused: true, mode: '5-or-6-parts', fixedTimeRule: 'no-wildcard'})
  for (let at = from; at < to; at += hour) cron.nextRun(new Date(at))
}

const zones = ['UTC', 'Europe/Vienna'] as const
const timings: Timing[] = []
const goals: Goal[] = []
for (const zone of zones) {
  const total = simulateYear(zone)
  if (total !== (to - from) / 10_000) throw new Error(`${zone} has ${total} due times.`)
  const {ours, croner} = await race(rounds, {ours: () => simulateYear(zone), croner: () => askEachHour(zone)})
  const rate = (total / ours.median / 1000).toFixed(1)
  timings.push({...ours, name: `${zone}: ${rate} million a second`}, {...croner, name: `${zone}: croner, each hour`})
  goals.push({what: `${zone}, over croner`, ratio: ours.median / croner.median, atMost: 3})
}
report(`Simulation of a year of a job every 10 s, ${rounds} interleaved rounds, medians`, timings, goals)
