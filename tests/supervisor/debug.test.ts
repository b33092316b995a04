import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openAttemptPlace, type AttemptPlace } from './attempt-place.ts'
import { IS_ROOT } from '../harness/is-root.ts'

const USER = { uid: 231_004, gid: 231_004 }

let place: AttemptPlace

beforeAll(async () => {
  place = await openAttemptPlace()
})

afterAll(() => place[Symbol.asyncDispose]())

/** Types the command that the log gives, and these lines into the shell it opens. */
function enter(log: string, lines: string): string[] {
  const given = /to go on there[^:]*: (.*)$/m.exec(log)?.[1] ?? 'exit 1'
  return execFileSync('/bin/sh', ['-c', given], { input: lines, encoding: 'utf8' }).trim().split('\n')
}

test('an attempt for debugging can be gone on with as its log says, with its variables and not its secrets', async () => {
  const env = { PATH: '/usr/bin:/bin', QUOTED: `it's "so" $HOME` }
  const changes = { env, debug: { keptMs: 60_000 }, ...(IS_ROOT ? { runAs: USER } : {}) }

  const { log, order, record } = await place.run('echo half > done.txt; exit 3', changes, { TOKEN: 'hunter22' })

  expect(record).toMatchObject({ outcome: 'failed', reason: 'exit' })
  expect(enter(log, 'cat done.txt; echo "$QUOTED"; echo "${TOKEN-not here}"; id -u; touch more && ls "$HOME"')).toEqual(
    ['half', `it's "so" $HOME`, 'not here', String(IS_ROOT ? USER.uid : process.getuid?.())],
  )
  expect(log).toContain(`kept for debugging until`)

  await place.executor.forget(order.attemptFolder)
  for (const beside of ['', '.home', '.tmp', '.env']) expect(existsSync(`${order.workspace}${beside}`)).toBe(false)
})
