import { chmodSync, closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startTestServerProcess } from '../harness/server-process.ts'
import { temporaryFolder } from '../source/git-place.ts'
import { openArms } from './arms.ts'
import { untilTrue } from './patience.ts'

const ARMED = fileURLToPath(new URL('armed-program.ts', import.meta.url))
/** Of Debian's package `faketime`; `.ci/run` installs it. */
const LIBRARIES = ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`)
const HOUR = 3_600

test('a clock that is set an hour ahead, and back again, times nothing out and holds nothing up', async () => {
  await using place = await temporaryFolder()
  // The step has to see the door in it.
  chmodSync(place.path, 0o755)
  const clock = join(place.path, 'clock')
  const setClock = (seconds: number) => writeFileSync(clock, `${seconds < 0 ? '' : '+'}${seconds}s\n`)
  setClock(0)
  await using server = await startTestServerProcess('sqlite', undefined, {
    node: ['--import', ARMED],
    env: {
      TIDEGATE_TEST_ARMS: openArms(join(place.path, 'arms')).folder,
      LD_PRELOAD: LIBRARIES.find((path) => existsSync(path)) ?? 'the package faketime is not installed',
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    },
  })
  const ana = await server.person('ana')
  const door = join(place.path, 'door')
  const long = await server.project('long', {
    'tidegate.yaml': `steps:
  wait: { run: 'echo waiting; while [ ! -e "${door}" ]; do sleep 0.05; done', timeout: 30m, silence-timeout: 20m }
`,
  })
  const short = await server.project('short', { 'tidegate.yaml': 'steps: { hello: { run: echo hello } }\n' })
  await long.push(ana, '--push-option=detach')
  const log = join(server.dataFolder, 'attempts/long/1/wait/1/log')
  await untilTrue('the step to wait', () => (existsSync(log) && readFileSync(log).length > 0) || undefined)

  /** Runs that are made until one is made at the time that the server must believe in by now. */
  async function runAt(seconds: number) {
    return untilTrue('the server to see its clock set', async () => {
      await short.commit({ 'note.txt': `${seconds} ${Math.random()}\n` })
      await short.push(ana)
      const [newest] = await short.runs()
      const ahead = ((newest?.createdAt ?? 0) - Date.now()) / 1_000
      return Math.abs(ahead - seconds) < HOUR / 2 ? newest : undefined
    })
  }
  setClock(HOUR)
  const ahead = await runAt(HOUR)
  setClock(-HOUR)
  const back = await runAt(-HOUR)
  const meanwhile = await long.run(1)
  closeSync(openSync(door, 'w'))
  const ended = await long.ended(1)

  expect([ahead.state, back.state]).toEqual(['succeeded', 'succeeded'])
  expect(meanwhile.state).toBe('running')
  expect(ended).toMatchObject({ state: 'succeeded' })
  expect(ended.steps.find(({ key }) => key === 'wait')).toMatchObject({ attempt: 1, state: 'succeeded' })
})
