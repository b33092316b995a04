import { request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listDeployments, rollBack } from '../../src/api/deployments.ts'
import { sendLabels } from '../../src/api/monitoring.ts'
import { listProjects } from '../../src/api/projects.ts'
import { createClient } from '../../src/client/client.ts'
import { openTestServer, type TestPerson, type TestServer } from '../harness/server.ts'

let place: TestServer
let ana: TestPerson

beforeAll(async () => {
  place = await openTestServer('sqlite')
  ana = await place.person('ana')
  await place.project('quiet', { 'README.md': '' })
})

afterAll(() => place[Symbol.asyncDispose]())

test('a body of one gigabyte is refused without being read, whether or not its size is told first', async () => {
  for (const announced of [true, false]) {
    const answer = await sendGigabyte(`${place.server.address}/api/v1/labels`, ana.token, announced)

    expect(answer).toMatchObject({ status: 413, error: { code: 'TOO_LARGE' } })
    expect(answer.sentBytes).toBeLessThan(200 * MEBIBYTE)
  }
  await expect(ana.client.call(listProjects, {})).resolves.toMatchObject({ projects: [{ name: 'quiet' }] })
})

test('a stranger learns nothing: not whether the project is there, nor what a body should look like', async () => {
  const stranger = createClient({ url: place.server.address, token: 'tg_wrong' })
  const answers = await Promise.all(
    ['quiet', 'missing'].map((project) =>
      stranger.call(listDeployments, { params: { project }, query: {} }).catch((error: unknown) => error),
    ),
  )
  const nobody = await fetch(`${place.server.address}/api/v1/labels`, { method: 'POST', body: '{' })

  expect(answers[0]).toMatchObject({ code: 'UNAUTHENTICATED', message: expect.stringContaining('tidegate login') })
  expect(answers[1]).toMatchObject({ code: 'UNAUTHENTICATED', message: (answers[0] as Error).message })
  expect(nobody.status).toBe(401)
})

test('a token that lacks the right is told who it is, which role it needs, and where', async () => {
  const asked = ana.client.call(rollBack, {
    params: { project: 'quiet', environment: 'production' },
    body: { reason: 'a hunch' },
  })

  await expect(asked).rejects.toMatchObject({
    code: 'FORBIDDEN',
    message: 'ana needs the role approver in project "quiet" and is developer. An admin can grant it.',
  })
})

test('labels for a place that never served anything are refused by its name', async () => {
  const labels = [{ id: 'p', label: 1 }]

  const telling = ana.client.call(sendLabels, { body: { project: 'quiet', environment: 'prod', labels } })

  await expect(telling).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining('quiet has never served anything in "prod"'),
  })
})

test.each([
  ['not JSON', '{"project": ', /The body is not JSON/],
  ['of another shape', '{"project": "quiet", "environment": 7, "labels": []}', /body\.environment: .*body\.labels: /],
  ['deeper than any stack', '['.repeat(200_000), /The body is not JSON/],
])('a body that is %s is a mistake of the client, with its place', async (_, body, message) => {
  const response = await fetch(`${place.server.address}/api/v1/labels`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ana.token}` },
    body,
  })

  expect(response.status).toBe(400)
  expect(await response.text()).toMatch(message)
})

test.each([
  '/%',
  '/%00',
  '/%ff.git/info/refs',
  '/..%2f..%2fetc/passwd',
  '/api/v1/%',
  '/api/v1/projects/%2e%2e/deployments',
  '//',
])('the address %s is answered, and the server goes on', async (path) => {
  const status = await ask(path)

  expect(status).toBeGreaterThanOrEqual(200)
  expect(status).toBeLessThan(500)
  await expect(ana.client.call(listProjects, {})).resolves.toBeDefined()
})

const MEBIBYTE = 2 ** 20

interface Refusal {
  readonly status: number | undefined
  readonly sentBytes: number
  readonly error: unknown
}

/** Writes until all is sent or the server has answered. */
async function sendGigabyte(url: string, token: string, announced: boolean): Promise<Refusal> {
  const size = announced ? { 'content-length': 1024 * MEBIBYTE } : { 'transfer-encoding': 'chunked' }
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...size }
  const sending = request(url, { method: 'POST', headers })
  const chunk = Buffer.alloc(MEBIBYTE, ' ')
  const state = { sentBytes: 0, isAnswered: false }
  const write = (): void => {
    while (!state.isAnswered && state.sentBytes < 1024 * MEBIBYTE) {
      state.sentBytes += chunk.length
      if (sending.write(chunk)) continue
      sending.once('drain', write)
      return
    }
  }
  return new Promise((resolve, reject) => {
    sending.once('response', (response) => {
      state.isAnswered = true
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => (text += part))
      response.once('end', () => {
        sending.destroy()
        const { error } = JSON.parse(text) as { error: unknown }
        resolve({ status: response.statusCode, sentBytes: state.sentBytes, error })
      })
    })
    sending.on('error', (error) => (state.isAnswered ? undefined : reject(error)))
    write()
  })
}

/** As it is written, which `fetch` would tidy up first. */
async function ask(path: string): Promise<number> {
  const { hostname, port } = new URL(place.server.address)
  return new Promise((resolve, reject) => {
    const asking = request({ hostname, port, path, headers: { authorization: `Bearer ${ana.token}` } }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    asking.once('error', reject)
    asking.end()
  })
}
