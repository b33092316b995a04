import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openAttemptPlace, readLog, until, type AttemptPlace } from './attempt-place.ts'
import { untilEnded } from '../contract/executor.ts'

let place: AttemptPlace

beforeAll(async () => {
  place = await openAttemptPlace()
})

afterAll(() => place[Symbol.asyncDispose]())

test('stdout and stderr stand in the log in the order they were written', async () => {
  const { log } = await place.run('for i in 1 2 3; do echo out $i; echo err $i >&2; done; echo named > /dev/stderr')

  expect(log).toBe('out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\nnamed\n')
})

test('a secret that is written in two halves is not in the log', async () => {
  const secrets = { TOKEN: 'correct-horse-battery' }

  const { log, record } = await place.run(
    `printf 'token: correct-ho'; sleep 0.3; printf 'rse-battery.\\n'; printf "$TOKEN" | base64; echo "$TOKEN" >&2`,
    {},
    secrets,
  )

  expect(log).toMatch(/^token: \*\*\*\.\n\*\*\*\S{0,4}\n\*\*\*\n$/)
  expect(log).not.toContain(Buffer.from('correct-horse').toString('base64').slice(0, 12))
  expect(JSON.stringify(record)).not.toContain('horse')
})

test('a secret stands in no file that the attempt leaves in its folder', async () => {
  const { order } = await place.run('echo "$TOKEN" > /dev/null; exit 1', {}, { TOKEN: 'correct-horse-battery' })

  for (const file of ['order.json', 'claim.json', 'done.json', 'log']) {
    expect(readFileSync(join(order.attemptFolder, file), 'utf8')).not.toContain('horse')
  }
})

test('fifty thousand lines arrive whole and in order', async () => {
  const { log, record } = await place.run('seq 1 50000')

  expect(log).toBe(Array.from({ length: 50_000 }, (_, at) => `${at + 1}\n`).join(''))
  expect(record.logBytes).toBe(log.length)
  expect(record.logDigest).toBe(`sha256:${createHash('sha256').update(log).digest('hex')}`)
})

test('a carriage return is kept as it is', async () => {
  const { log } = await place.run(String.raw`printf 'epoch 1\repoch 2\repoch 3\n'`)

  expect(log).toBe('epoch 1\repoch 2\repoch 3\n')
})

test('a line is in the log while the command still runs', async () => {
  const order = place.order('echo started; while [ ! -e go ]; do sleep 0.05; done; echo released')
  const handle = await place.executor.submit(order, {})

  await until(() => existsWith(order, 'started\n'))
  expect(readLog(order)).toBe('started\n')
  await writeFile(join(order.workspace, 'go'), '')

  await untilEnded(place.executor, handle)
  expect(readLog(order)).toBe('started\nreleased\n')
})

test('a log over its limit keeps beginning and end, counts what is missing and says so', async () => {
  const { log, record } = await place.run('seq 1 100000; echo the end', { logLimitBytes: 20_000 })

  expect(log.startsWith('1\n2\n3\n')).toBe(true)
  expect(log.endsWith('99999\n100000\nthe end\n')).toBe(true)
  expect(log).toContain(`${record.logLostBytes} bytes are missing here`)
  expect(log.length).toBe(record.logBytes)
  expect(record.logBytes).toBeLessThan(20_500)
  const whole = Array.from({ length: 100_000 }, (_, at) => `${at + 1}\n`).join('').length + 'the end\n'.length
  expect(record.logLostBytes).toBe(whole - 20_000)
})

test('the log of a failure ends with the reason', async () => {
  const { log } = await place.run('printf "no newline"; exit 4')

  expect(log).toBe('no newline\n[tidegate] It ended with exit code 4.\n')
})

function existsWith(order: Parameters<typeof readLog>[0], text: string): boolean {
  try {
    return readLog(order) === text
  } catch {
    return false
  }
}
