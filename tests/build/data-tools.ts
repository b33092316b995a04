import { execFile, spawn } from 'node:child_process'
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { S3Client } from '@aws-sdk/client-s3'
import { folderOfUv } from './python-tools.ts'

const run = promisify(execFile)
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/tidegate-data-python', import.meta.url))
const PACKAGES = ['moto[server]', 'dvc']

/** The `bin` folder of an environment with a server that speaks S3 and the real dvc, made once. */
export async function dataTools(): Promise<string> {
  const bin = join(CACHE, 'bin')
  if (await exists(join(CACHE, 'complete'))) return bin
  const uv = join(await folderOfUv(), 'uv')
  const temporary = `${CACHE}.${process.pid}`
  await run(uv, ['venv', '--quiet', '--relocatable', temporary])
  await run(uv, ['pip', 'install', '--quiet', '--python', join(temporary, 'bin/python'), ...PACKAGES])
  await writeFile(join(temporary, 'complete'), '')
  await rename(temporary, CACHE).catch(() => rm(temporary, { recursive: true, force: true }))
  return bin
}

export interface S3Server extends AsyncDisposable {
  readonly endpoint: string
  readonly client: S3Client
}

/** Credentials that the server takes; it takes any. */
export const S3_SECRET = 'AKIATESTTESTTEST:wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLE'

export async function openS3Server(): Promise<S3Server> {
  const moto = spawn(join(await dataTools(), 'python'), ['-m', 'moto.server', '-H', '127.0.0.1', '-p', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const endpoint = await new Promise<string>((resolve, reject) => {
    let said = ''
    moto.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
      const address = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(said)?.[1]
      if (address !== undefined) resolve(address)
    })
    moto.once('exit', () => reject(new Error(`moto ended: ${said}`)))
  })
  const [accessKeyId = '', secretAccessKey = ''] = S3_SECRET.split(':')
  const credentials = { accessKeyId, secretAccessKey }
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  return {
    endpoint,
    client,
    async [Symbol.asyncDispose]() {
      client.destroy()
      const ended = new Promise((resolve) => moto.once('exit', resolve))
      moto.kill('SIGKILL')
      await ended
    },
  }
}

export interface Authority {
  /** PEM of the authority, and its file. */
  readonly pem: string
  readonly file: string
  readonly key: string
  readonly certificate: string
}

/** A certificate for 127.0.0.1 by an authority that nobody knows. */
export async function makeAuthority(folder: string): Promise<Authority> {
  await mkdir(folder, { recursive: true })
  const at = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => run('openssl', args)
  const ca = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=Test authority']
  await openssl(...ca, '-keyout', at('ca.key'), '-out', at('ca.pem'))
  await openssl(
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-subj',
    '/CN=127.0.0.1',
    '-keyout',
    at('key'),
    '-out',
    at('csr'),
  )
  await writeFile(at('extensions'), 'subjectAltName=IP:127.0.0.1\n')
  const signing = ['x509', '-req', '-days', '2', '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial']
  await openssl(...signing, '-in', at('csr'), '-extfile', at('extensions'), '-out', at('certificate'))
  const read = (name: string) => readFile(at(name), 'utf8')
  return {
    pem: await read('ca.pem'),
    file: at('ca.pem'),
    key: await read('key'),
    certificate: await read('certificate'),
  }
}

export interface TlsServer extends AsyncDisposable {
  readonly address: string
}

export async function openTlsServer(authority: Authority, listener: RequestListener): Promise<TlsServer> {
  const server = createServer({ key: authority.key, cert: authority.certificate }, listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
