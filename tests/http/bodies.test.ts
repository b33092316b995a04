import { request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { limit } from '../../src/core/limits.ts'
import { openTestServer, type TestServer } from '../harness/server.ts'

let place: TestServer

beforeAll(async () => {
  place = await openTestServer('sqlite')
})

afterAll(() => place[Symbol.asyncDispose]())

interface Sent {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string | number>>
  /** Sent in chunks, without a length. */
  readonly chunks?: Iterable<string>
}

/** Statuses of answers that came before the body was all sent count too. */
function send({ method, path, headers, chunks = [] }: Sent): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sending = request(`${place.server.address}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${place.admin.token}`, 'content-type': 'application/json', ...headers },
    })
    sending.on('error', reject)
    sending.on('response', (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('error', () => undefined)
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, text })
        sending.on('error', () => undefined)
        sending.destroy()
      })
    })
    for (const chunk of chunks) sending.write(chunk)
    if (headers?.['content-length'] === undefined) sending.end()
    else sending.flushHeaders()
  })
}

test('a body that comes in chunks is read like any other', async () => {
  const answer = await send({ method: 'POST', path: '/projects', chunks: ['{"name":', '"chunked"}'] })

  expect(answer.status).toBe(200)
  expect(JSON.parse(answer.text)).toMatchObject({ name: 'chunked' })
})

test('a request without body and length is answered', async () => {
  const answer = await send({ method: 'DELETE', path: '/tokens/none' })

  expect(answer.status).toBe(404)
})

test('a body of 1 GB is refused with the limit before it is sent, and one that hides its length is not kept', async () => {
  const path = '/projects'
  const mebibyte = 'x'.repeat(1 << 20)

  const announced = await send({ method: 'POST', path, headers: { 'content-length': 1e9 } })
  const hidden = await send({ method: 'POST', path, chunks: Array.from({ length: 20 }, () => mebibyte) })

  expect([announced.status, hidden.status]).toEqual([413, 413])
  expect(announced.text).toContain(`larger than ${limit('apiBodyBytes')} bytes`)
  expect((await send({ method: 'GET', path })).status).toBe(200)
})

test('a stream that is asked to go on from an id it cannot have given is refused', async () => {
  const ask = (id: string) => send({ method: 'GET', path: '/events/stream', headers: { 'last-event-id': id } })

  const answers = [await ask('abc'), await ask('-5')]

  expect(answers.map(({ status }) => status)).toEqual([400, 400])
  expect(answers[0]?.text).toContain('The header last-event-id is \\"abc\\". Send the id of the last event that came')
})
