import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { OWN_PROGRAMS } from '../../src/lib/own-files.ts'
import { writeFiles } from './command.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const exec = promisify(execFile)

let folder: string
let installed: string
let bin: string

/** The package as somebody would install it: packed with its own build, into a folder that has nothing else. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidegate-packed-'))
  // Steps of a server of root's run as other users, who must be able to pass.
  await chmod(folder, 0o755)
  await exec('npm', ['pack', '--pack-destination', folder], { cwd: await copySources(), maxBuffer: 64 << 20 })
  const [tarball = ''] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'))
  const place = join(folder, 'place')
  await mkdir(place)
  await writeFile(join(place, 'package.json'), '{ "private": true }')
  await exec(
    'npm',
    ['install', '--no-save', '--ignore-scripts', '--prefer-offline', '--no-audit', join(folder, tarball)],
    {
      cwd: place,
      env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
      maxBuffer: 64 << 20,
    },
  )
  installed = join(place, 'node_modules', 'tidegate')
  bin = join(installed, 'bin', 'tidegate.js')
})
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))

/** Building empties folders that other tests may be reading. */
async function copySources(): Promise<string> {
  const copy = join(folder, 'sources')
  const { stdout } = await exec('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT })
  for (const path of stdout.split('\0').filter((each) => each !== '' && existsSync(join(ROOT, each)))) {
    await mkdir(dirname(join(copy, path)), { recursive: true })
    await copyFile(join(ROOT, path), join(copy, path))
  }
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

/** Nothing of this process's environment but where programs are. */
function environment(data: string): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env
  return { PATH, HOME, TIDEGATE_DATA: join(folder, data), TIDEGATE_CONFIG: join(folder, 'config') }
}

async function tidegate(cwd: string, ...args: string[]): Promise<string> {
  const { stdout } = await exec(process.execPath, [bin, ...args], { cwd, env: environment('data') })
  return stdout
}

test('the package holds JavaScript and the page, and no TypeScript of ours', async () => {
  const names = await readdir(installed, { recursive: true })

  expect(names.filter((name) => /^(bin|dist|src)\/.*\.ts$/.test(name))).toEqual([])
  expect(names).toEqual(expect.arrayContaining(OWN_PROGRAMS.map((name) => `dist/${name}.js`)))
  expect(names).toContain('web/dist/index.html')
  expect(existsSync(join(installed, 'src'))).toBe(false)
})

test('it says its version', async () => {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string }

  expect(await tidegate(folder, '--version')).toBe(`${version}\n`)
})

test('doctor finds that native libraries load', async () => {
  await writeFile(join(folder, 'server.yaml'), 'port: 0\ngateway-port: 0\n')

  const { ok, checks } = JSON.parse(await tidegate(folder, '--json', 'doctor', '--config', 'server.yaml')) as {
    ok: boolean
    checks: { check: string; state: string }[]
  }

  expect(checks.filter(({ state }) => state === 'missing')).toEqual([])
  expect(checks).toContainEqual(expect.objectContaining({ check: 'onnxruntime', state: 'ok' }))
  expect(ok).toBe(true)
})

test('a pipeline runs, commands and tasks of ours alike', async () => {
  const project = join(folder, 'project')
  await writeFiles(project, {
    'tidegate.yaml': 'version: 1\nsteps: { train: { run: cp a.txt b.txt, deps: [a.txt], outs: [b.txt] } }\n',
    'a.txt': 'a',
  })

  const result = JSON.parse(await tidegate(project, '--json', 'run')) as { state: string; steps: { step: string }[] }

  expect(result.state).toBe('succeeded')
  expect(result.steps.map(({ step }) => step)).toEqual(expect.arrayContaining(['environment', 'train']))
})

test('a server starts, with its gateway and its page, and ends when told to', async () => {
  const child = spawn(process.execPath, [bin, 'up', '--port', '0', '--gateway-port', '0'], {
    cwd: folder,
    env: environment('server-data'),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const address = await addressOf(child)

  const health = (await (await fetch(`${address}/api/v1/health`)).json()) as { ok: boolean }
  const page = await (await fetch(address)).text()
  child.kill('SIGTERM')
  const [code] = (await once(child, 'exit')) as [number | null]

  expect(health.ok).toBe(true)
  expect(page).toContain('<html')
  expect(code).toBe(0)
})

async function addressOf(child: ChildProcess): Promise<string> {
  let printed = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (printed += text))
  for (;;) {
    const address = /Tidegate is up: +(http:\S+)/.exec(printed)?.[1]
    if (address !== undefined) return address
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${printed}`)
    await sleep(20)
  }
}
