import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isAppError } from '../../src/core/errors.ts'
import type { NotifierMessage } from '../../src/core/ports/notifier.ts'
import { openWebhookNotifier } from '../../src/drivers/notifier/webhook/webhook-notifier.ts'
import { openTestServer, type TestServer } from '../harness/server.ts'
import { tinyProject } from '../harness/tiny-project.ts'

interface Told {
  readonly id: string | undefined
  readonly message: NotifierMessage
}

const told: Told[] = []
let status = 204
const receiver = createServer((request, response) => {
  void text(request).then((body) => {
    told.push({ id: request.headers['tidegate-message-id'] as string, message: JSON.parse(body) as NotifierMessage })
    response.writeHead(status).end()
  })
})
let hook: string
let place: TestServer

beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`
  place = await openTestServer('sqlite')
})

afterAll(async () => {
  await place[Symbol.asyncDispose]()
  await new Promise((resolve) => receiver.close(resolve))
})

test('a run that fails is told to the webhook that the pipeline names, once', async () => {
  const ana = await place.person('ana')
  const pipeline = `notify: { webhook: ["${hook}"], on: [failure] }\nsteps: { fails: { run: exit 3 } }\n`
  const project = await place.project('told', tinyProject({ pipeline }))

  await project.push(ana)
  await expect.poll(() => told.length, { timeout: 10_000 }).toBeGreaterThan(0)

  expect(told).toHaveLength(1)
  expect(told[0]?.id).toBe(told[0]?.message.id)
  expect(told[0]?.message).toMatchObject({ kind: 'failure', project: 'told', text: expect.stringContaining('fails') })
})

test('a webhook that refuses is an error that names its host and not its path', async () => {
  status = 500
  const message = { id: 'm', kind: 'failure', project: 'p', title: 't', text: '', at: 1 }

  const refused = await openWebhookNotifier(hook)
    .send(message)
    .catch((error: unknown) => error)

  expect(isAppError(refused, 'UPSTREAM')).toBe(true)
  expect(String(refused)).toContain('answered 500')
  expect(String(refused)).not.toContain('/hook')
})
