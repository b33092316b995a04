import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer as createHttp, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { connect, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBuildEnvironmentTask } from '../../src/build/build-environment.ts'
import { readServerConfig } from '../../src/cli/local/server-config.ts'
import { applyToolSettings } from '../../src/flow/apply-tool-settings.ts'
import { toolEnvironment } from '../../src/flow/tool-environment.ts'
import { openCommandPlace } from '../cli/command.ts'
import { openTaskPlace, type TaskPlace } from '../harness/task-context.ts'
import { folderOfUv, makeWheels, pathWithoutUv } from './python-tools.ts'

const run = promisify(execFile)
const INSTALLERS = ['uv', 'pip'] as const
const PASSWORD = 'open-sesame-7'

/** A real index of a company: TLS by its own authority, a password, and a proxy in front of everything. */
let place: TaskPlace
let index: Server
let proxy: Server
let authority: string
const paths: Record<string, string> = {}
const passedOn: string[] = []

beforeAll(async () => {
  place = await openTaskPlace()
  const folder = join(place.dataFolder, 'index')
  await makeWheels(folder, [
    { name: 'alpha', version: '1.0' },
    { name: 'beta', version: '1.0', requires: ['alpha'] },
  ])
  const certificate = await makeCertificate(join(place.dataFolder, 'tls'))
  authority = certificate.authority
  index = createHttps({ key: certificate.key, cert: certificate.cert }, (request, response) => {
    serve(folder, request, response).catch(() => response.writeHead(500).end())
  })
  proxy = createHttp((_, response) => response.writeHead(405).end())
  proxy.on('connect', (request: IncomingMessage, client, head) => {
    passedOn.push(request.url ?? '')
    const [host = '', port] = (request.url ?? '').split(':')
    // As a company's proxy does: the name is the proxy's to resolve.
    const upstream = connect(Number(port), host === 'pypi.corp.example' ? '127.0.0.1' : host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.write(head)
      upstream.pipe(client).pipe(upstream)
    })
    upstream.on('error', () => client.destroy())
    client.on('error', () => upstream.destroy())
  })
  await Promise.all([index, proxy].map((server) => new Promise<void>((done) => server.listen(0, '127.0.0.1', done))))
  const path = await pathWithoutUv()
  paths['uv'] = `${await folderOfUv()}:${path}`
  paths['pip'] = path
})

afterAll(async () => {
  for (const server of [index, proxy]) {
    server.closeAllConnections()
    server.close()
  }
  await place[Symbol.asyncDispose]()
})

/** A simple repository (PEP 503) behind basic authentication. */
async function serve(folder: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const given = Buffer.from((request.headers.authorization ?? '').replace(/^Basic /, ''), 'base64').toString()
  if (given !== `ana:${PASSWORD}`)
    return void response.writeHead(401, { 'www-authenticate': 'Basic realm="packages"' }).end()
  const [, simple, name, file] = (request.url ?? '').split('?')[0]!.split('/')
  if (simple === 'files') return void response.end(await readFile(join(folder, name ?? '')))
  const wheels = (await readdir(folder)).filter((each) => each.startsWith(`${name}-`) && each.endsWith('.whl'))
  if (simple !== 'simple' || wheels.length === 0 || (file ?? '') !== '') return void response.writeHead(404).end()
  const links = wheels.map((wheel) => `<a href="/files/${wheel}">${wheel}</a><br>`)
  response.setHeader('content-type', 'text/html').end(`<!doctype html><html><body>${links.join('')}</body></html>`)
}

async function makeCertificate(folder: string) {
  await mkdir(folder)
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder })
  await openssl(...'req -x509 -newkey rsa:2048 -nodes -days 2 -keyout ca.key -out ca.pem -subj /CN=corp'.split(' '))
  await openssl(...'req -newkey rsa:2048 -nodes -keyout own.key -out own.csr -subj /CN=pypi.corp.example'.split(' '))
  await writeFile(join(folder, 'names'), 'subjectAltName=DNS:pypi.corp.example\n')
  await openssl(
    ...'x509 -req -in own.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out own.pem'.split(' '),
  )
  const read = (name: string) => readFile(join(folder, name), 'utf8')
  return { key: await read('own.key'), cert: await read('own.pem'), authority: join(folder, 'ca.pem') }
}

const port = (server: Server) => (server.address() as AddressInfo).port

async function build(
  installer: string,
  name: string,
  settings: (home: string) => Promise<Record<string, string>>,
  { bare = false } = {},
) {
  const home = join(place.dataFolder, `home-${installer}-${name}`)
  await mkdir(home)
  const context = { ...(await place.context()), dataFolder: join(home, 'data') }
  const lines: string[] = []
  await writeFile(join(context.workspace, 'requirements.txt'), 'beta\n')
  const company = { HTTPS_PROXY: `http://127.0.0.1:${port(proxy)}`, SSL_CERT_FILE: authority }
  const env = { HOME: home, PATH: paths[installer] ?? '', ...(bare ? {} : company), ...(await settings(home)) }
  const task = createBuildEnvironmentTask({ env, stepsRunAsOtherUser: false })
  const output = await task.run(
    { name: 'default', dependencies: ['requirements.txt'], system: [] },
    { ...context, log: (line) => void lines.push(line) },
  )
  const lock = output.result === undefined ? '' : (await context.artifacts.read(output.result.lock.digest)).toString()
  return { output, lock, told: JSON.stringify(output) + lines.join('\n'), data: context.dataFolder }
}

const address = (login: string) => `https://${login}pypi.corp.example:${port(index)}/simple`

/** As an administrator writes it; the password stands in the address. */
function serverYaml(login: string, more = ''): string {
  return `packages:
  index-url: "${address(login)}"
network:
  proxy: http://127.0.0.1:${port(proxy)}
  ca: ${authority}
${more}`
}

describe.each(INSTALLERS)('%s, told of all that by server.yaml', (installer) => {
  test('builds an environment, whatever the environment of the server says', async () => {
    const folder = join(place.dataFolder, `config-${installer}`)
    await mkdir(folder)
    await writeFile(join(folder, 'server.yaml'), serverYaml(`ana:${PASSWORD}@`))
    const { tools } = await readServerConfig({ file: join(folder, 'server.yaml') }, { HOME: folder })
    const old = {
      UV_DEFAULT_INDEX: 'https://old.example/simple',
      https_proxy: 'http://127.0.0.1:1',
      PIP_CERT: '/no/such.pem',
      HTTPS_PROXY: 'http://127.0.0.1:1',
      SSL_CERT_FILE: '/no/such.pem',
    }
    const { env, secrets } = toolEnvironment(applyToolSettings(old, tools!))

    const { output, told } = await build(installer, 'told', async () => ({ ...env, ...secrets }), { bare: true })

    expect(output.failure).toBeUndefined()
    expect(output.result).toMatchObject({ installer, packages: 2 })
    expect(Object.keys(secrets)).toEqual(['PIP_INDEX_URL'])
    expect(told).not.toContain(PASSWORD)
  })

  test('doctor asks the index, and says what is wrong without telling the password', async () => {
    await using shell = await openCommandPlace()
    const doctor = async (text: string) => {
      await writeFile(join(shell.folder, 'server.yaml'), `port: 0\ngateway-port: 0\n${text}`)
      const args = ['--json', 'doctor', '--config', 'server.yaml']
      const { stdout } = await shell.tidegate(shell.folder, args, { PATH: paths[installer] ?? '', HOME: shell.folder })
      expect(stdout).not.toContain(PASSWORD)
      const { checks } = JSON.parse(stdout) as { checks: { check: string; state: string; found: string }[] }
      return checks.find(({ check }) => check === 'packages')
    }

    expect(await doctor('')).toBeUndefined()
    expect(await doctor(serverYaml(`ana:${PASSWORD}@`))).toMatchObject({
      state: 'ok',
      found: `${address('')} answers ${installer}`,
    })
    expect(await doctor(serverYaml(`ana:not-${PASSWORD}@`))).toMatchObject({
      state: 'missing',
      found: expect.stringMatching(/does not answer .*401/),
    })
    expect(await doctor('network: { ca: /no/such.pem }\n')).toMatchObject({
      state: 'missing',
      found: expect.stringContaining('/no/such.pem cannot be read'),
    })
    const closed = serverYaml('').replace(/proxy: .*/, 'proxy: http://127.0.0.1:1')
    expect(await doctor(closed)).toMatchObject({ state: 'missing', found: expect.stringMatching(/does not answer/) })
  })
})

describe.each(INSTALLERS)('%s behind a proxy, with an authority and a password of the company', (installer) => {
  test.each([
    [
      'an address with a password, as a secret of the project is given',
      async () => ({ PIP_INDEX_URL: address(`ana:${PASSWORD}@`) }),
    ],
    [
      'pip.conf and netrc',
      async (home: string) => {
        await mkdir(join(home, '.config', 'pip'), { recursive: true })
        await writeFile(join(home, '.config', 'pip', 'pip.conf'), `[global]\nindex-url = ${address('')}\n`)
        await writeFile(join(home, '.netrc'), `machine pypi.corp.example\nlogin ana\npassword ${PASSWORD}\n`, {
          mode: 0o600,
        })
        return {}
      },
    ],
  ])('takes over %s, and nothing of it stands in lock, log or result', async (name, settings) => {
    const { output, lock, told, data } = await build(installer, name.slice(0, 4).trim(), settings)

    expect(output.failure).toBeUndefined()
    expect(output.result).toMatchObject({ installer, packages: 2 })
    expect(lock).toMatch(/^alpha==1\.0/m)
    expect(passedOn).toContain(`pypi.corp.example:${port(index)}`)
    expect(`${lock}${told}`).not.toContain(PASSWORD)
    expect(lock).not.toContain('corp.example')
    const found = await run('grep', ['-rlF', PASSWORD, data]).catch((error: { code: number }) => error)
    expect(found).toMatchObject({ code: 1 })
  })

  test('a wrong password is an error that does not tell it', async () => {
    const settings = async () => ({ PIP_INDEX_URL: address('ana:not-the-password@') })

    const { output, told } = await build(installer, 'wrong', settings)

    expect(output.failure?.message).toMatch(/cannot be resolved/)
    expect(told).not.toContain('not-the-password')
  })
})
