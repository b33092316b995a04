import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { timeAt } from '../../src/core/log-times.ts'
import { openLogTimes } from '../../src/engine/log-times.ts'
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

test('a secret that bash, Python or curl writes in its own way is not in the log', async () => {
  const secrets = { TOKEN: 'corr$ct "horse"/it\'s-battery & more' }
  const command = [
    `bash -c 'printf "%q\\n" "$TOKEN"'`,
    `python3 -c 'import os, shlex, json, urllib.parse as u; t = os.environ["TOKEN"]; print(repr(t), shlex.quote(t), json.dumps([t]), u.quote(t), u.quote_plus(t), sep="\\n")'`,
    `curl --silent --verbose --max-time 1 --get --data-urlencode "q=$TOKEN" http://127.0.0.1:9/ || true`,
    `python3 -c 'import os, urllib.request; urllib.request.urlopen("http://127.0.0.1:9/" + os.environ["TOKEN"])' || true`,
  ].join('\n')

  const { log } = await place.run(command, {}, secrets)

  expect(log.match(/\*\*\*/g)?.length).toBeGreaterThanOrEqual(6)
  for (const part of ['horse', 'battery']) expect(log).not.toContain(part)
})

test('of steps that run at the same time each has its own lines', async () => {
  const words = ['ebb', 'flow', 'neap', 'spring']

  const logs = await Promise.all(
    words.map(async (word) => (await place.run(`for i in $(seq 1 2000); do echo ${word} $i; done`)).log),
  )

  const expected = words.map((word) => Array.from({ length: 2_000 }, (_, at) => `${word} ${at + 1}\n`).join(''))
  expect(logs).toEqual(expected)
})

test('a line of eight million bytes arrives whole, and what follows it', async () => {
  const { log } = await place.run(`head -c 8000000 /dev/zero | tr '\\0' x; echo; echo after`)

  expect(log.length).toBe(8_000_007)
  expect(log.replace(/^x+/, '')).toBe('\nafter\n')
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

test('a flood of lines is counted whole and hides its secrets, with a key of forty lines among them', async () => {
  const key = Array.from({ length: 40 }, (_, line) => createHash('sha256').update(`${line}`).digest('base64')).join(
    '\n',
  )
  const command = 'seq 1 200000; echo "$KEY"; seq 200001 250000'

  const { log, record } = await place.run(command, {}, { KEY: key, TOKEN: 'correct-horse-battery' })

  const numbers = log.split('\n').filter((line) => /^\d+$/.test(line))
  expect(numbers).toHaveLength(250_000)
  expect(numbers.every((line, at) => line === String(at + 1))).toBe(true)
  expect(record.logLostBytes).toBe(0)
  for (const line of key.split('\n')) expect(log.includes(line)).toBe(false)
})

test('when each line came stands beside the log, also of the end of one over its limit', async () => {
  const before = Date.now()
  const order = place.order('echo one; sleep 0.3; echo two; seq 1 20000; sleep 0.3; echo end', { logLimitBytes: 8_000 })
  const handle = await place.executor.submit(order, {})
  await untilEnded(place.executor, handle)

  const log = readLog(order)
  const times = await openLogTimes(join(order.attemptFolder, 'log')).between(0, log.length)
  const [one = 0, two = 0, end = 0] = ['one', 'two', 'end\n'].map((text) => timeAt(times, log.lastIndexOf(text)))

  expect(one).toBeGreaterThanOrEqual(before)
  expect(two - one).toBeGreaterThanOrEqual(250)
  expect(end - two).toBeGreaterThanOrEqual(250)
  expect(end).toBeLessThanOrEqual(Date.now())
  expect(times.map(({ offset }) => offset)).toEqual(times.map(({ offset }) => offset).toSorted((a, b) => a - b))
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
