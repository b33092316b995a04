import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPage } from '../../src/http/page.ts'
import { openTestServer, type TestServer } from '../harness/server.ts'

let place: TestServer

beforeAll(async () => {
  place = await openTestServer('sqlite')
})

afterAll(() => place[Symbol.asyncDispose]())

test('whatever is below /api and not there is a 404 in JSON, and never the page', async () => {
  const paths = ['/api', '/api/', '/api?x=1', '/api/v1', '/api/v1/', '/api/v1/none', '/api/v2/projects']

  const answers = await Promise.all(paths.map((path) => fetch(place.server.address + path)))

  expect(answers.map(({ status }) => status)).toEqual(paths.map(() => 404))
  for (const answer of answers) {
    expect(await answer.json()).toMatchObject({
      error: { code: 'NOT_FOUND', message: expect.stringContaining('/api') },
    })
  }
})

test('a path that takes other methods says which', async () => {
  const ask = (method: string, path: string) => fetch(`${place.server.address}/api/v1${path}`, { method })

  const deleted = await ask('DELETE', '/projects')
  const put = await ask('PUT', '/projects/digits/runs/1/cancel')
  const posted = await ask('POST', '/openapi.json')

  expect([deleted.status, put.status, posted.status]).toEqual([405, 405, 405])
  expect([deleted, put, posted].map(({ headers }) => headers.get('allow'))).toEqual(['GET, POST', 'POST', 'GET'])
  expect(await deleted.json()).toEqual({
    error: {
      code: 'WRONG_METHOD',
      message: '/api/v1/projects takes GET, POST, not DELETE.',
      details: { allow: 'GET, POST' },
    },
  })
})

test('a file that the page does not have is a 404; every other path is the page', async () => {
  await using page = await servePage()

  const status = async (path: string) => (await fetch(page.address + path)).status
  const missing = await fetch(`${page.address}/assets/gone-1a2b.js`)

  expect(missing.status).toBe(404)
  expect(await missing.text()).toContain('There is no such file.')
  expect(await Promise.all(['/assets/main.js', '/', '/digits/runs/1', '/digits/test?test=a.b'].map(status))).toEqual([
    200, 200, 200, 200,
  ])
  expect(await Promise.all(['/favicon.ico', '/.env', '/assets/%2e%2e/x.js'].map(status))).toEqual([404, 404, 404])
})

/** The page's files, whether or not this repository's are built. */
async function servePage(): Promise<AsyncDisposable & { readonly address: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-page-'))
  await mkdir(join(folder, 'assets'))
  await writeFile(join(folder, 'index.html'), '<title>Tidegate</title>')
  await writeFile(join(folder, 'assets/main.js'), '')
  const page = createPage(folder)
  const server = createServer((request, response) => void page(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true })
    },
  }
}
