import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as tls from 'node:tls'
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createFreezeDatasetTask, type FreezeDatasetOutput } from '../../src/build/freeze-dataset.ts'
import { DATASET_SECRET, DATASET_SETTINGS, type DatasetSettings } from '../../src/core/dataset-settings.ts'
import { datasetAccess } from '../../src/dataset-access.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import { findDvcOut } from '../../src/pipeline/dvc-out.ts'
import type { DatasetSource } from '../../src/pipeline/pipeline.ts'
import { openTaskPlace, type TaskPlace } from '../harness/task-context.ts'
import {
  dataTools,
  makeAuthority,
  openS3Server,
  openTlsServer,
  S3_SECRET,
  type Authority,
  type S3Server,
  type TlsServer,
} from './data-tools.ts'

const run = promisify(execFile)
let place: TaskPlace
let authority: Authority
let web: TlsServer
let s3: S3Server

/** How the server behaves to the next requests; each gets every request's headers to look at. */
let behave: (request: IncomingMessage, response: ServerResponse) => void
let asked: { url: string; headers: IncomingMessage['headers'] }[] = []

beforeAll(async () => {
  place = await openTaskPlace()
  authority = await makeAuthority(join(place.dataFolder, 'tls'))
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), authority.pem])
  web = await openTlsServer(authority, (request, response) => {
    asked.push({ url: request.url ?? '', headers: request.headers })
    behave(request, response)
  })
  s3 = await openS3Server()
  await s3.client.send(new CreateBucketCommand({ Bucket: 'lake' }))
})
afterAll(async () => {
  await s3[Symbol.asyncDispose]()
  await web[Symbol.asyncDispose]()
  await place[Symbol.asyncDispose]()
})
beforeEach(() => {
  asked = []
})

interface Given {
  readonly secret?: string
  readonly settings?: Partial<DatasetSettings>
  readonly environment?: Record<string, string>
  readonly dvc?: ReturnType<typeof findDvcOut>
}

async function freeze(source: DatasetSource, given: Given = {}) {
  const context = await place.context()
  const { settings, secret, environment, dvc } = given
  const all = { files: [place.dataFolder], maxBytes: 1 << 30, s3: { endpoint: s3.endpoint, buckets: [] }, ...settings }
  const access = datasetAccess({
    [DATASET_SETTINGS]: JSON.stringify(all satisfies DatasetSettings),
    ...(secret === undefined ? {} : { [DATASET_SECRET]: secret }),
    ...environment,
  })
  if (typeof dvc === 'string') throw new Error(dvc)
  const input = { path: 'd.bin', source: { ...source, path: 'd.bin' }, project: 'p', identity: sha256('') }
  const output = await createFreezeDatasetTask(access).run({ ...input, ...(dvc === undefined ? {} : { dvc }) }, context)
  return { ...output, lines: context.lines }
}

async function contentOf(output: FreezeDatasetOutput): Promise<Record<string, string>> {
  const { artifacts } = await place.context()
  const { artifact } = output.result!
  if (artifact.kind === 'file') return { '': (await artifacts.read(artifact.digest)).toString() }
  const files = await artifacts.filesOf(artifact)
  return Object.fromEntries(
    await Promise.all(
      files.map(async ({ path, digest }) => [path, (await artifacts.read(digest)).toString()] as const),
    ),
  )
}

/** A server that knows tags and ranges. */
function serves(bytes: Buffer, etag = `"${createHash('md5').update(bytes).digest('hex')}"`) {
  return (request: IncomingMessage, response: ServerResponse) => {
    if (request.headers['if-none-match'] === etag) return void response.writeHead(304).end()
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const isPart = from > 0 && (request.headers['if-range'] ?? etag) === etag
    const body = isPart ? bytes.subarray(from) : bytes
    response.writeHead(isPart ? 206 : 200, {
      etag,
      'content-length': body.length,
      ...(isPart ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
    })
    response.end(body)
  }
}

/** Closes the connection in the middle of the first answers. */
function breaks(times: number, then: (request: IncomingMessage, response: ServerResponse) => void) {
  let left = times
  return (request: IncomingMessage, response: ServerResponse) => {
    if (left-- <= 0) return then(request, response)
    const end = response.end.bind(response)
    response.end = ((body: Buffer) => {
      response.write(body.subarray(0, Math.ceil(body.length / 2)), () => response.socket?.destroy())
      return response
    }) as typeof end
    then(request, response)
  }
}

describe('https', () => {
  const source = (path: string) => ({ kind: 'https', url: `${web.address}${path}` }) as const

  test('a file is fetched once, and not again while the server says that it is the same', async () => {
    behave = serves(Buffer.from('one'))
    const first = await freeze(source('/data.bin'))
    const again = await freeze(source('/data.bin'))
    behave = serves(Buffer.from('two'))
    const changed = await freeze(source('/data.bin'))

    expect(await contentOf(first)).toEqual({ '': 'one' })
    expect(again.result?.digest).toBe(first.result?.digest)
    expect(again.lines).toContain('1 of 1 files are unchanged and were not sent again')
    expect(asked[1]?.headers['if-none-match']).toBeDefined()
    expect(await contentOf(changed)).toEqual({ '': 'two' })
  })

  test('a time of change is as good as a tag where there is none', async () => {
    behave = (request, response) => {
      const isKnown = request.headers['if-modified-since'] === 'Mon, 02 Nov 2026 10:00:00 GMT'
      response.writeHead(isKnown ? 304 : 200, { 'last-modified': 'Mon, 02 Nov 2026 10:00:00 GMT' })
      response.end(isKnown ? undefined : 'old')
    }
    await freeze(source('/dated.bin'))
    const again = await freeze(source('/dated.bin'))

    expect(await contentOf(again)).toEqual({ '': 'old' })
    expect(again.lines.join()).toContain('unchanged')
  })

  test('a transfer that breaks goes on where it stopped', async () => {
    const bytes = randomBytes(400_000)
    behave = breaks(2, serves(bytes))

    const output = await freeze(source('/broken.bin'))

    expect(output.result?.digest).toBe(sha256(bytes))
    expect(asked[1]?.headers.range).toMatch(/^bytes=[1-9]\d*-$/)
    expect(asked[1]?.headers['if-range']).toBeDefined()
  })

  test('a server without ranges sends all of it again, and what came already is passed over', async () => {
    const bytes = randomBytes(300_000)
    const plain = serves(bytes)
    behave = breaks(1, (request, response) => {
      delete request.headers.range
      plain(request, response)
    })

    expect((await freeze(source('/no-ranges.bin'))).result?.digest).toBe(sha256(bytes))
  })

  test('a file that is replaced in the middle is read again from its beginning', async () => {
    const before = Buffer.alloc(200_000, 'a')
    const after = Buffer.alloc(200_000, 'b')
    const old = breaks(1, serves(before))
    let requests = 0
    behave = (request, response) => (requests++ === 0 ? old(request, response) : serves(after)(request, response))

    expect((await freeze(source('/replaced.bin'))).result?.digest).toBe(sha256(after))
  })

  test('an answer that cannot be unpacked is asked for again, and the log says why', async () => {
    let answers = 0
    behave = (_, response) => {
      if (answers++ > 0) return void response.end('plain')
      response.writeHead(200, { 'content-encoding': 'gzip' }).end('no gzip at all')
    }

    const output = await freeze(source('/packed.bin'))

    expect(await contentOf(output)).toEqual({ '': 'plain' })
    expect(output.lines).toContain('terminated (incorrect header check); tries again in 200 ms')
  })

  test('a server that is not well for a moment is asked again', async () => {
    let requests = 0
    const well = serves(Buffer.from('fine'))
    behave = (request, response) => (requests++ < 2 ? void response.writeHead(503).end() : well(request, response))

    expect(await contentOf(await freeze(source('/busy.bin')))).toEqual({ '': 'fine' })
  })

  test('a larger file than the server takes is refused before it is kept', async () => {
    behave = serves(randomBytes(20_000))

    const output = await freeze(source('/large.bin'), { settings: { maxBytes: 10_000 } })

    expect(output.failure).toMatchObject({ reason: 'refused' })
    expect(output.failure?.message).toContain('larger than 10000 bytes')
  })

  test('a secret is sent to the address’s own origin, and to no other that it redirects to', async () => {
    await using other = await openTlsServer(authority, (request, response) => {
      asked.push({ url: request.url ?? '', headers: request.headers })
      response.end('moved')
    })
    behave = (_request, response) => void response.writeHead(302, { location: `${other.address}/there` }).end()

    const output = await freeze({ ...source('/moved.bin'), secret: 'TOKEN' }, { secret: 'abc' })

    expect(await contentOf(output)).toEqual({ '': 'moved' })
    expect(asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer abc', undefined])
  })

  test.each([
    ['/loop', 302, { location: '/loop' }, 'redirects more than 5 times'],
    ['/down', 302, { location: 'http://127.0.0.1/x' }, 'which is not https'],
    ['/none', 404, {}, 'answers 404: nothing is there'],
    ['/closed', 403, {}, 'answers 403: name a `secret`'],
  ])('%s is refused in words', async (path, status, headers, words) => {
    behave = (_request, response) => void response.writeHead(status, headers as Record<string, string>).end()

    const output = await freeze(source(path))

    expect(output.failure).toMatchObject({ reason: 'refused', message: expect.stringContaining(words) as string })
  })

  test('a file larger than the memory it may take goes through, by an authority of the installation’s own', async () => {
    const bytes = 300 << 20
    const block = randomBytes(1 << 20)
    const hash = createHash('sha256')
    for (let sent = 0; sent < bytes; sent += block.length) hash.update(block)
    behave = (_request, response) => {
      response.writeHead(200, { 'content-length': bytes })
      let sent = 0
      const more = () => {
        while (sent < bytes) {
          sent += block.length
          if (!response.write(block)) return void response.once('drain', more)
        }
        response.end()
      }
      more()
    }
    const program = fileURLToPath(new URL('freeze-program.ts', import.meta.url))
    const { workspace } = await place.context()
    const source = { kind: 'https', url: `${web.address}/huge.bin`, path: 'd.bin' }
    const input = { path: 'd.bin', source, project: 'p', identity: sha256('') }
    const args = ['--max-old-space-size=48', program, JSON.stringify(input), place.dataFolder, workspace]

    const trusting = await run(process.execPath, args, { env: { NODE_EXTRA_CA_CERTS: authority.file } })
    const strange = await run(process.execPath, args, { env: {} })

    const { output, peakBytes } = JSON.parse(trusting.stdout) as { output: FreezeDatasetOutput; peakBytes: number }
    expect(output.result?.digest).toBe(`sha256:${hash.digest('hex')}`)
    expect(peakBytes).toBeLessThan(250 << 20)
    expect(strange.stdout).toContain('has a certificate that is not trusted here')
  })
})

describe('s3', () => {
  const put = (key: string, text: string) =>
    s3.client.send(new PutObjectCommand({ Bucket: 'lake', Key: key, Body: text }))
  const access = { secret: S3_SECRET }

  test('an object is fetched once, and again when it has changed', async () => {
    await put('digits.csv', 'a\n1\n')
    const source = { kind: 's3', bucket: 'lake', key: 'digits.csv', secret: 'KEY' } as const

    const first = await freeze(source, access)
    const again = await freeze(source, access)
    await put('digits.csv', 'a\n2\n')
    const changed = await freeze(source, access)

    expect(await contentOf(first)).toEqual({ '': 'a\n1\n' })
    expect(again.lines).toContain('1 of 1 files are unchanged and were not sent again')
    expect(await contentOf(changed)).toEqual({ '': 'a\n2\n' })
  })

  test('a prefix is a folder, and only its changed objects are fetched again', async () => {
    for (const [key, text] of Object.entries({ 'a.txt': '1', 'deep/b.txt': '2', 'deep/': '' }))
      await put(`many/${key}`, text)
    await put('many-more.txt', 'not below it')
    const source = { kind: 's3', bucket: 'lake', key: 'many/', secret: 'KEY' } as const

    const first = await freeze(source, access)
    await put('many/a.txt', '9')
    const second = await freeze(source, access)

    expect(await contentOf(first)).toEqual({ 'a.txt': '1', 'deep/b.txt': '2' })
    expect(await contentOf(second)).toEqual({ 'a.txt': '9', 'deep/b.txt': '2' })
    expect(second.lines).toContain('1 of 2 files are unchanged and were not sent again')
  })

  test.each([
    ['clash/', ['a', 'a/b'], '"a" is not a folder'],
    ['twice/', ['a//b'], 'it has an empty part'],
  ])('keys below %s that are no files of one folder are refused where they are frozen', async (prefix, keys, words) => {
    for (const key of keys) await put(`${prefix}${key}`, '1')

    const output = await freeze({ kind: 's3', bucket: 'lake', key: prefix, secret: 'KEY' }, access)

    expect(output.failure).toMatchObject({ reason: 'refused', message: expect.stringContaining(words) as string })
  })

  test('what the installation’s own credentials may read is said by an administrator', async () => {
    await put('own.txt', 'ours')
    const [id = '', key = ''] = S3_SECRET.split(':')
    const environment = { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: key }
    Object.assign(process.env, environment)
    const source = { kind: 's3', bucket: 'lake', key: 'own.txt' } as const

    const refused = await freeze(source, { environment })
    const settings = { s3: { endpoint: s3.endpoint, buckets: ['lake'] } }
    const allowed = await freeze(source, { environment, settings })
    for (const name of Object.keys(environment)) delete process.env[name]

    expect(refused.failure?.message).toContain("may not be read with this server's own credentials")
    expect(await contentOf(allowed)).toEqual({ '': 'ours' })
  })

  test.each([
    ['nothing.csv', 'is not there'],
    ['nothing/', 'holds nothing'],
  ])('%s is refused in words', async (key, words) => {
    const output = await freeze({ kind: 's3', bucket: 'lake', key, secret: 'KEY' }, access)

    expect(output.failure).toMatchObject({ reason: 'refused', message: expect.stringContaining(words) as string })
  })
})

describe('dvc', () => {
  /** A repository in which the real dvc tracks a file and a folder, with their content pushed to a folder. */
  async function trackData() {
    const root = join(place.dataFolder, 'dvc')
    const remote = join(place.dataFolder, 'dvc-remote')
    await mkdir(join(root, 'data/images'), { recursive: true })
    await writeFile(join(root, 'data/raw.csv'), 'a\n1\n')
    await writeFile(join(root, 'data/images/1.png'), 'one')
    await writeFile(join(root, 'data/images/2.png'), 'two')
    const dvc = async (...args: string[]) =>
      run(join(await dataTools(), 'python'), ['-m', 'dvc', ...args], {
        cwd: root,
        env: { ...process.env, DVC_NO_ANALYTICS: '1' },
      })
    await dvc('init', '--no-scm', '-q')
    await dvc('remote', 'add', '-d', 'lake', remote)
    await dvc('add', '-q', 'data/raw.csv', 'data/images')
    await dvc('push', '-q')
    const texts: Record<string, string> = {}
    for (const file of ['data/raw.csv.dvc', 'data/images.dvc', '.dvc/config'])
      texts[file] = await readFile(join(root, file), 'utf8')
    return { remote, texts, find: (path: string) => findDvcOut(path, Object.keys(texts), (file) => texts[file]) }
  }

  let tracked: Awaited<ReturnType<typeof trackData>>
  beforeAll(async () => {
    tracked = await trackData()
  })

  test('a file and a folder are found by their names in the commit, and every byte is checked', async () => {
    const file = await freeze({ kind: 'dvc' }, { dvc: tracked.find('data/raw.csv') })
    const folder = await freeze({ kind: 'dvc' }, { dvc: tracked.find('data/images') })

    expect(await contentOf(file)).toEqual({ '': 'a\n1\n' })
    expect(await contentOf(folder)).toEqual({ '1.png': 'one', '2.png': 'two' })
    expect(tracked.find('data/other')).toContain('no .dvc file and no dvc.lock of this commit tracks "data/other"')
  })

  test('remotes on S3 and behind https are read too, and what is not there is named', async () => {
    for (const path of await readdir(tracked.remote, { recursive: true })) {
      const content = await readFile(join(tracked.remote, path)).catch(() => undefined)
      if (content === undefined) continue
      await s3.client.send(new PutObjectCommand({ Bucket: 'lake', Key: `dvc/${path}`, Body: content }))
    }
    behave = (request, response) => {
      readFile(join(tracked.remote, request.url?.replace('/dvc/', '') ?? '')).then(
        (content) => response.end(content),
        () => response.writeHead(404).end(),
      )
    }
    const at = (url: string) =>
      findDvcOut('data/images', Object.keys(tracked.texts), (file) =>
        file === '.dvc/config' ? tracked.texts[file]?.replace(/url = .*/, `url = ${url}`) : tracked.texts[file],
      )

    const fromS3 = await freeze({ kind: 'dvc', secret: 'KEY' }, { dvc: at('s3://lake/dvc'), secret: S3_SECRET })
    const fromWeb = await freeze({ kind: 'dvc' }, { dvc: at(`${web.address}/dvc/`) })
    const gone = await freeze({ kind: 'dvc' }, { dvc: at(`${web.address}/elsewhere/`) })
    const ssh = await freeze({ kind: 'dvc' }, { dvc: at('ssh://host/folder') })

    expect(await contentOf(fromS3)).toEqual({ '1.png': 'one', '2.png': 'two' })
    expect(await contentOf(fromWeb)).toEqual({ '1.png': 'one', '2.png': 'two' })
    expect(gone.failure?.message).toMatch(/\.dir of the remote "lake" of DVC: .* Run `dvc push`/)
    expect(ssh.failure?.message).toContain('Tidegate reads remotes that are s3://…, https://…, or a folder')
  })

  test('a file that somebody has changed in the remote is refused', async () => {
    for (const path of await readdir(tracked.remote, { recursive: true })) {
      const whole = join(tracked.remote, path)
      if (!/\/[0-9a-f]{30}$/.test(whole) || (await readFile(whole, 'utf8')) !== 'two') continue
      await rm(whole)
      await writeFile(whole, 'bad')
    }

    // With another credential: nothing is remembered of what it may see.
    const damaged = await freeze(
      { kind: 'dvc', secret: 'OTHER' },
      { dvc: tracked.find('data/images'), secret: 'other' },
    )

    expect(damaged.failure?.message).toContain('its content is not what its name says')
  })
})

test('a folder is read again only where its files changed', async () => {
  const folder = join(place.dataFolder, 'images')
  await mkdir(join(folder, 'deep'), { recursive: true })
  await writeFile(join(folder, 'a.txt'), '1')
  await writeFile(join(folder, 'deep/b.txt'), '2')
  const source = { kind: 'file', source: folder } as const

  const first = await freeze(source)
  await writeFile(join(folder, 'a.txt'), '3')
  const second = await freeze(source)

  expect(await contentOf(first)).toEqual({ 'a.txt': '1', 'deep/b.txt': '2' })
  expect(await contentOf(second)).toEqual({ 'a.txt': '3', 'deep/b.txt': '2' })
})
