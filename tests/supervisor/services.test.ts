import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PlanService } from '../../src/core/plan.ts'
import { untilEnded } from '../contract/executor.ts'
import { isDead, openAttemptPlace, untilFile, type AttemptPlace } from './attempt-place.ts'

let place: AttemptPlace

beforeAll(async () => {
  place = await openAttemptPlace()
})

afterAll(() => place[Symbol.asyncDispose]())

function service(name: string, run: string, changes: Partial<PlanService> = {}): PlanService {
  return { name, run, env: {}, ready: { kind: 'tcp' }, timeoutMs: 30_000, ...changes }
}

/** Answers every request with a word, and leaves a process behind that has a session of its own. */
const SERVER = `echo starting; setsid sleep 600 & echo $! > left.pid
exec python3 -c "
import http.server, os, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print('asked for', self.path, flush=True)
        self.send_response(200 if self.path != '/wrong' else 500)
        self.end_headers()
        self.wfile.write(os.environ['WORD'].encode())
    def log_message(self, *_): pass
http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), Answer).serve_forever()
"`

const ASK = `python3 -c "
import os, urllib.request
print(urllib.request.urlopen('http://127.0.0.1:' + os.environ['TIDEGATE_SERVICE_MY_CACHE_PORT']).read().decode())
"`

test('a step talks to its service, whose log stands apart, and nothing of it lives afterwards', async () => {
  const services = [service('my-cache', SERVER, { env: { WORD: 'hello' }, ready: { kind: 'http', path: '/health' } })]

  const { record, log, order } = await place.run(`${ASK}; cat left.pid`, { services })

  expect(record).toMatchObject({ outcome: 'succeeded' })
  expect(log).toMatch(/^\[tidegate\] service my-cache is ready on port \d+ after [\d.]+ s\nhello\n\d+\n$/)
  const own = readFileSync(join(order.attemptFolder, 'service-my-cache.log'), 'utf8')
  expect(own).toContain('starting\nasked for /health\n')
  expect(isDead(Number(log.trim().split('\n').at(-1)))).toBe(true)
})

test('a secret is masked in the log of a service too', async () => {
  const services = [
    service('echo', `echo "token $TOKEN"; touch ready; sleep 600`, { ready: commandReady('test -e ready') }),
  ]

  const { record, order } = await place.run('true', { services }, { TOKEN: 'correct-horse-battery' })

  expect(record.outcome).toBe('succeeded')
  expect(readFileSync(join(order.attemptFolder, 'service-echo.log'), 'utf8')).toBe('token ***\n')
})

function commandReady(run: string): PlanService['ready'] {
  return { kind: 'command', run }
}

test.each([
  ['listens nowhere', service('db', 'echo warming up; sleep 600', { timeoutMs: 300 }), 'nothing listened on port'],
  ['ends', service('db', 'echo no such table; exit 4'), 'it ended with exit code 4 before it was ready'],
  [
    'answers wrongly',
    service('db', SERVER, { env: { WORD: 'x' }, ready: { kind: 'http', path: '/wrong' }, timeoutMs: 1_500 }),
    '/wrong did not answer with 2xx within 1.5 s',
  ],
])('a service that %s ends the attempt before the step, with its last lines', async (_, db, why) => {
  const { record, log } = await place.run('echo never', {
    services: [service('fine', SERVER, { env: { WORD: 'x' } }), db],
  })

  expect(record).toMatchObject({ outcome: 'failed', reason: 'setup-error' })
  expect(record.message).toContain(`Service db is not ready: `)
  expect(record.message).toContain(why)
  expect(record.message).toMatch(/Its last lines: /)
  expect(log).toContain('service db: its last lines')
  expect(log).not.toContain('never')
  expect(log).not.toContain('goes on without it')
})

test('of several services that fail only the first is told of, and then nothing more is asked', async () => {
  const asks = service('slow', 'sleep 600', { ready: commandReady('date >> asked; sleep 0.4; false'), timeoutMs: 900 })
  const ends = service('db', 'sleep 0.3; exit 4')

  const { record, log, order } = await place.run('echo never', { services: [asks, ends, asks] })
  const asked = readFileSync(join(order.workspace, 'asked'), 'utf8')
  await sleep(1_000)

  expect(record.message).toContain('Service db is not ready: it ended with exit code 4')
  expect(log.match(/service db: /g)).toHaveLength(1)
  expect(readFileSync(join(order.workspace, 'asked'), 'utf8')).toBe(asked)
})

test('a service that dies while the step runs is said, and shown when the step fails', async () => {
  const dies = service('cache', 'touch up; while [ ! -e go ]; do sleep 0.05; done; echo out of luck; exit 3', {
    ready: commandReady('test -e up'),
  })
  const { record, log } = await place.run('touch go; sleep 0.5; exit 1', { services: [dies] })

  expect(record).toMatchObject({ outcome: 'failed', reason: 'exit' })
  expect(log).toContain('service cache ended with exit code 3; the step goes on without it\n')
  expect(log).toContain('service cache: its last lines\n[tidegate]   out of luck\n')
})

test('a cancel ends a service that is not ready yet, and one that ignores TERM', async () => {
  const stubborn = service('deaf', `trap '' TERM; echo $$ > deaf.pid; while :; do sleep 1; done`, { timeoutMs: 60_000 })
  const order = place.order('echo never', { services: [stubborn], graceMs: 200 })
  const handle = await place.executor.submit(order, {})
  const pid = Number(await untilFile(join(order.workspace, 'deaf.pid')))

  await place.executor.cancel(handle, 200)
  const record = await untilEnded(place.executor, handle)

  expect(record.outcome).toBe('cancelled')
  expect(isDead(pid)).toBe(true)
})
