import type { RunDetail } from '../../src/api/runs.ts'
import type { Point } from '../../src/core/points.ts'
import { patiently, untilTrue } from './patience.ts'
import { pipeline, step, type Story } from './story.ts'
import {
  again,
  broken,
  cancel,
  cancelHeld,
  commandRuns,
  ends,
  killSupervisor,
  openDoor,
  push,
  untilState,
} from './telling.ts'

/** Where a supervisor dies with something half done; all but the last lose the attempt. */
const SUPERVISOR_POINTS = [
  'attempt claimed',
  'command started',
  'command ended',
  'output stored',
  'attempt recorded',
] as const satisfies Point[]

/** Everything that happens to runs, steps and attempts. */
export const RUN_STORIES: readonly Story[] = [
  {
    name: 'works',
    only: ['steps waiting hit'],
    files: pipeline(
      step(
        'make',
        'mkdir -p many; for f in 1 2 3; do echo $f > many/$f.txt; done; cp data.txt out.txt',
        'deps: [data.txt]\n    outs: [out.txt, many]',
      ) + step('use', 'cat out.txt', 'needs: [make]'),
    ),
    async play(teller) {
      await push(teller)
      await ends(teller, 1, 'succeeded')
      // Nothing that counts has changed: the cache has the outputs.
      await teller.project.commit({ 'readme.md': 'more\n' })
      await push(teller)
      await ends(teller, 2, 'succeeded')
    },
  },
  {
    name: 'fails',
    only: [
      'steps waiting adopt',
      'steps waiting skip',
      'attempts running fail',
      'steps running fail',
      'runs running fail',
    ],
    files: pipeline(
      step('good', 'echo good') + step('bad', 'exit 3', 'needs: [good]') + step('never', 'true', 'needs: [bad]'),
    ),
    async play(teller) {
      await push(teller)
      await ends(teller, 1, 'failed')
      await patiently(() => again(teller, 1))
      await ends(teller, 2, 'failed')
    },
  },
  {
    name: 'retries',
    only: ['steps running retry'],
    files: pipeline(
      step('flaky', 'case $TIDEGATE_ATTEMPT in */1) exit 75;; esac', 'retry: { on: [exit, executor-lost], limit: 3 }'),
    ),
    async play(teller) {
      await push(teller)
      await ends(teller, 1, 'succeeded')
    },
  },
  {
    name: 'asks-too-much',
    only: ['steps waiting fail'],
    files: pipeline('  huge: { run: "true", resources: { gpus: 99 } }\n'),
    async play(teller) {
      await push(teller)
      await ends(teller, 1, 'failed')
    },
  },
  {
    name: 'loses',
    only: ['attempts running lose'],
    files: pipeline(
      step(
        'victim',
        'while [ ! -e "$DOORS/$TIDEGATE_PROJECT" ]; do sleep 0.05; done',
        'retry: { on: [executor-lost], limit: 9 }',
      ),
    ),
    async play(teller) {
      await push(teller)
      await killSupervisor(teller, 'victim')
      await untilState(teller, 1, (run) => (run.steps.find(({ key }) => key === 'victim')?.attempt ?? 0) > 1)
      openDoor(teller)
      await ends(teller, 1, 'succeeded')
    },
  },
  {
    name: 'stored',
    files: pipeline(
      step('make', 'for f in 1 2 3; do echo $f > $f.txt; done', 'outs: [1.txt, 2.txt, 3.txt]\n    retry: { limit: 9 }'),
    ),
    async play(teller) {
      for (const point of SUPERVISOR_POINTS)
        teller.arms.arm(point, 'kill', { subject: `${teller.project.name}#1/make` })
      await push(teller)
      await ends(teller, 1, 'succeeded')
    },
  },
  {
    name: 'cancelled',
    only: [
      'runs running cancel',
      'steps waiting cancel',
      'attempts running cancel',
      'attempts cancelling fail',
      'steps running cancel',
      'runs cancelling settle',
    ],
    files: pipeline(step('endless', 'sleep 1000 & sleep 1000') + step('after', 'true', 'needs: [endless]')),
    async play(teller) {
      await push(teller)
      await commandRuns(teller, 'endless')
      await cancel(teller, 1)
      await ends(teller, 1, 'cancelled')
    },
  },
  {
    name: 'hardened',
    only: ['runs cancelling harden'],
    files: pipeline(step('endless', 'sleep 1000')),
    async play(teller) {
      await push(teller)
      await commandRuns(teller, 'endless')
      await cancel(teller, 1, 'after-current')
      await cancel(teller, 1, 'now')
      await ends(teller, 1, 'cancelled')
    },
  },
  {
    name: 'queued',
    only: ['runs queued cancel'],
    files: pipeline(
      step('first', 'while [ ! -e "$DOORS/$TIDEGATE_PROJECT" ]; do sleep 0.05; done'),
      'concurrency: { group: one, policy: queue }\n',
    ),
    async play(teller) {
      await push(teller)
      await commandRuns(teller, 'first')
      await teller.project.commit({ 'readme.md': 'more\n' })
      await push(teller)
      await untilState(teller, 2, () => true)
      await cancel(teller, 2)
      await ends(teller, 2, 'cancelled')
      openDoor(teller)
      await ends(teller, 1, 'succeeded')
    },
  },
  {
    name: 'cancelled-early',
    only: ['attempts starting cancel'],
    files: pipeline(step('early', 'sleep 1000')),
    async play(teller) {
      await cancelHeld(teller, 'attempt opened', 'early')
    },
  },
  {
    name: 'cancelled-unstarted',
    only: ['attempts cancelling lose'],
    files: pipeline(step('early', 'sleep 1000')),
    async play(teller) {
      const point = 'attempt opened'
      const subject = `${teller.project.name}#1/early`
      teller.arms.arm(point, 'hold', { subject, times: 100 })
      await push(teller)
      await untilTrue('the attempt to be held', () => teller.arms.isHeld(point, subject))
      await cancel(teller, 1)
      await teller.killServer()
      teller.arms.release(point, subject)
      await ends(teller, 1, 'cancelled')
    },
  },
  {
    name: 'cancelled-late',
    only: ['attempts cancelling succeed', 'attempts running cancel'],
    files: pipeline(step('late', 'true')),
    async play(teller) {
      await cancelHeld(teller, 'attempt ended', 'late')
    },
  },
  {
    name: 'unopened',
    only: ['attempts starting fail'],
    files: pipeline(step('closed', 'true')),
    async play(teller) {
      teller.arms.arm('attempt opened', 'break', { subject: `${teller.project.name}#1/closed`, times: 3 })
      await push(teller)
      await untilState(teller, 1, (run) => run.endedAt !== null)
    },
  },
  unwritten(
    'unwritten-good',
    ['attempts starting succeed'],
    'while [ ! -e "$DOORS/$TIDEGATE_PROJECT" ]; do sleep 0.05; done',
    'succeeded',
  ),
  unwritten(
    'unwritten-bad',
    ['attempts starting fail'],
    'while [ ! -e "$DOORS/$TIDEGATE_PROJECT" ]; do sleep 0.05; done; exit 3',
    'failed',
  ),
  {
    ...unwritten(
      'unwritten-lost',
      ['attempts starting lose'],
      'while [ ! -e "$DOORS/$TIDEGATE_PROJECT" ]; do sleep 0.05; done',
      'succeeded',
    ),
    async play(teller) {
      teller.arms.arm('before attempts starting run', 'break', { subject: `${teller.project.name}#1/step`, times: 3 })
      await push(teller)
      await untilTrue('the row not to be written', () => broken(teller) >= 3)
      await killSupervisor(teller, 'step')
      openDoor(teller)
      await ends(teller, 1, 'succeeded')
    },
  },
]

/** The attempt is handed over, and the database fails three times when that is to be written down. */
function unwritten(name: string, only: readonly string[], run: string, state: RunDetail['state']): Story {
  return {
    name,
    only,
    files: pipeline(step('step', run, 'retry: { on: [executor-lost], limit: 9 }')),
    async play(teller) {
      teller.arms.arm('before attempts starting run', 'break', { subject: `${teller.project.name}#1/step`, times: 3 })
      await push(teller)
      await untilTrue('the row not to be written', () => broken(teller) >= 3)
      openDoor(teller)
      await ends(teller, 1, state)
    },
  }
}
