import { killAtRandom } from '../../tests/crash/chaos.ts'
import { openCrashPlace } from '../../tests/crash/crash-place.ts'
import { figuresOf } from '../../tests/crash/recovery-figures.ts'
import { VICTIMS, type Victim } from '../../tests/crash/victims.ts'
import type { SoakJob } from './soak-job.ts'

/** For the page. */
const FULL_KILLS = 1_000

export const soakCrash: SoakJob = {
  name: 'crash',
  title: 'Killing',
  explained: `One server on SQLite with one data folder. Three projects push and run without a pause, each step says that
it was executed in a file of its own, and a fourth project's model is asked for predictions fifty times a second.
Meanwhile one victim after another is killed with SIGKILL, at any moment or with something half done, and only the
server is started again by hand. When all has ended, it is looked at: every run, step and attempt has ended with
exactly one event that says so; no attempt was executed twice and none was opened that the retry policy does not
grant; every log has the bytes its row names; every push became one run; every version was registered once; no
process of an attempt is left; no prediction failed but while the gateway was down. One that is not so is a loss.`,
  async run({ seed, kills = FULL_KILLS, say }) {
    await using crash = await openCrashPlace('sqlite')
    const onKill = (count: number) => {
      if (count % 50 === 0) say(`  ${count} of ${kills} kills`)
    }
    const report = await killAtRandom(crash, { kills, seed, onKill })
    const starts = figuresOf(report.startsMs)
    const absences = figuresOf(report.absencesMs)
    const victims = Object.entries(VICTIMS) as [Victim, string][]
    return {
      figures: [
        ['kills', String(kills)],
        ...victims.map(([victim, meaning]) => [`of them ${meaning}`, String(report.kills[victim])] as const),
        ...[...report.points]
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .map(([point, count]) => [`at the point “${point}”`, String(count)] as const),
        ['runs', String(report.runs)],
        ['predictions answered', String(report.predictions)],
        ['the server is up again, median', `${starts.p50} ms`],
        ['… 95th percentile', `${starts.p95} ms`],
        ['… longest', `${starts.max} ms`],
        ['the gateway answers again, median', `${absences.p50} ms`],
        ['… 95th percentile', `${absences.p95} ms`],
        ['… longest', `${absences.max} ms`],
        ['losses', String(report.violations.length)],
      ],
      losses: report.violations,
      isFull: kills >= FULL_KILLS,
    }
  },
}
