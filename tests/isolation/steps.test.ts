import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { existsSync, readdirSync } from 'node:fs'
import { IS_ROOT } from '../harness/is-root.ts'
import { openTestServer, type TestPerson, type TestProject, type TestServer } from '../harness/server.ts'
import { git } from '../source/git-place.ts'
import { until } from '../stages/delivery-story.ts'
import { createToken, setSecret } from '../../src/api/access.ts'

let place: TestServer
let ana: TestPerson
/** A step of another project that runs all the while, with a secret in its environment. */
let victim: { readonly project: TestProject; readonly workspace: string; readonly pid: string }

beforeAll(async () => {
  vi.stubEnv('TIDEGATE_TEST_SERVERS_OWN', 'the-servers-own')
  place = await openTestServer('data-folder')
  ana = await place.person('ana')
  const project = await place.project('victim', {
    'notes.txt': 'private notes\n',
    'tidegate.yaml': `steps:
  wait: { run: "echo $$ > pid; while ! test -e enough; do sleep 0.05; done", secrets: [WAREHOUSE] }
`,
  })
  const params = { project: 'victim', name: 'WAREHOUSE' }
  await place.admin.client.call(setSecret, { params, body: { value: 'horse-battery' } })
  await project.push(ana, '--push-option=detach')
  const workspace = join(place.dataFolder, 'workspaces/victim/1/wait/1')
  const pid = await until('the victim to run', async () => {
    const file = join(workspace, 'pid')
    return { found: existsSync(file) ? (await readFile(file, 'utf8')).trim() || undefined : undefined, seen: file }
  })
  victim = { project, workspace, pid }
})

afterAll(async () => {
  vi.unstubAllEnvs()
  // A server that ends lets steps go on.
  await writeFile(join(victim.workspace, 'enough'), '')
  await victim.project.ended(1)
  await place[Symbol.asyncDispose]()
})

/** What the step of a project of its own prints: Python that tries each line of `attempts`. */
async function tryAll(name: string, attempts: Record<string, string>): Promise<Record<string, string>> {
  const script = [
    'import glob, json, os',
    'def read(path): return open(path, "rb").read().decode("latin1")',
    'def attempt(name, work):',
    '    try: print(json.dumps([name, work()]))',
    '    except OSError as error: print(json.dumps([name, type(error).__name__]))',
    ...Object.entries(attempts).map(([what, code]) => `attempt(${JSON.stringify(what)}, lambda: ${code})`),
    '',
  ]
  const project = await place.project(name, {
    'look.py': script.join('\n'),
    'tidegate.yaml': 'steps: { look: { run: python look.py } }\n',
  })
  await project.push(ana)
  const log = await project.log(1, 'look')
  return Object.fromEntries(
    log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as [string, string]),
  )
}

test.runIf(IS_ROOT)(
  'a step cannot read the database, the keys, the tokens, other projects or what the server writes',
  async () => {
    const data = place.dataFolder
    const inData = [
      'state.db',
      'state.db-wal',
      'admin-token',
      'keys/secrets.key',
      'server.log',
      'server.lock',
      'repositories/victim.git/HEAD',
      'attempts/victim/1/wait/1/log',
      'attempts/victim/1/wait/1/order.json',
      'workspaces/victim/1/wait/1/notes.txt',
      'gateway/routes.json',
      'executor/supervisors.log',
    ]
    const folders = ['workspaces', 'workspaces/victim', 'store', 'store/sha256', 'repositories', 'predictions']
    expect(inData.filter((path) => !existsSync(join(data, path)))).toEqual([])

    const seen = await tryAll('reader', {
      ...Object.fromEntries(inData.map((path) => [path, `read(${JSON.stringify(join(data, path))})`])),
      ...Object.fromEntries(
        folders.map((path) => [`${path}/`, `str(os.listdir(${JSON.stringify(join(data, path))}))`]),
      ),
    })

    expect(seen).toEqual(
      Object.fromEntries([...inData, ...folders.map((path) => `${path}/`)].map((what) => [what, 'PermissionError'])),
    )
  },
)

test.runIf(IS_ROOT)(
  'a step cannot change the data folder, its build environment or the workspaces of others',
  async () => {
    const data = place.dataFolder
    const [environment] = readdirSync(join(data, 'environments')).filter((name) => !name.includes('.'))
    const write = (path: string) => `str(open(${JSON.stringify(join(data, path))}, "a"))`

    const seen = await tryAll('writer', {
      data: write('new'),
      environment: write(`environments/${environment}/lib/new`),
      locks: write('environments/locks/new'),
      hook: write('hooks/v3/post-receive'),
      workspace: write('workspaces/victim/1/wait/1/enough'),
      workspaces: write('workspaces/new'),
      'the signal': `str(os.kill(${victim.pid}, 15))`,
    })

    expect(new Set(Object.values(seen))).toEqual(new Set(['PermissionError']))
    expect((await victim.project.run(1)).state).toBe('running')
  },
)

test.runIf(IS_ROOT)(
  "a step sees its own environment, and neither the server's nor that of other attempts",
  async () => {
    const seen = await tryAll('looker', {
      own: '",".join(sorted(os.environ))',
      user: 'str(os.getuid())',
      groups: 'str(os.getgroups())',
      server: `read("/proc/${process.pid}/environ")`,
      victim: `read("/proc/${victim.pid}/environ")`,
      'the cwd of the victim': `str(os.listdir("/proc/${victim.pid}/cwd"))`,
      supervisor: 'read(f"/proc/{os.getppid()}/environ")',
      everything: '"".join(read(path) for path in glob.glob("/proc/[0-9]*/environ") if os.access(path, os.R_OK))',
    })

    const { own, user, groups, everything, supervisor, ...others } = seen
    expect(own?.split(',').filter((name) => !name.startsWith('TIDEGATE_'))).toEqual([
      'HOME',
      'LANG',
      'LOGNAME',
      'PATH',
      'PWD',
      'PYTHONDONTWRITEBYTECODE',
      'PYTHONNOUSERSITE',
      'TMPDIR',
      'USER',
      'VIRTUAL_ENV',
    ])
    expect(Number(user)).toBeGreaterThanOrEqual(200_000)
    expect(['[]', `[${user}]`]).toContain(groups)
    expect(others).toEqual({
      server: 'PermissionError',
      victim: 'PermissionError',
      'the cwd of the victim': 'PermissionError',
    })
    for (const text of [everything, supervisor]) {
      expect(text).not.toContain('the-servers-own')
      expect(text).not.toContain('horse-battery')
    }
  },
)

test('the token of a step opens its own run, and neither other projects nor anything its person may do', async () => {
  const { id } = await ana.client.call(createToken, { body: {} })
  const calls: Record<string, [string, string]> = {
    'own run': ['GET', '/projects/caller/runs/1'],
    'runs of its project': ['GET', '/projects/caller/runs'],
    'other run': ['GET', '/projects/victim/runs/1'],
    'other log': ['GET', '/projects/victim/runs/1/steps/wait/log'],
    events: ['GET', '/events'],
    token: ['POST', '/tokens'],
    revoke: ['DELETE', `/tokens/${id}`],
    start: ['POST', '/projects/caller/runs'],
    rerun: ['POST', '/projects/caller/runs/1/rerun'],
    cancel: ['POST', '/projects/victim/runs/1/cancel'],
    secret: ['PUT', '/projects/caller/secrets/WAREHOUSE'],
    person: ['POST', '/people'],
  }
  const project = await place.project('caller', {
    'call.py': CALL.replace('CALLS', JSON.stringify(calls)),
    'tidegate.yaml': 'steps: { call: { run: python call.py } }\n',
  })

  await project.push(ana)

  const statuses = JSON.parse(await project.log(1, 'call')) as Record<string, number>
  expect(statuses).toEqual({ ...Object.fromEntries(Object.keys(calls).map((name) => [name, 403])), 'own run': 200 })
})

test('a branch named like a command is only a name, to git, to the shell of a step and in the log', async () => {
  const branch = '$(touch${IFS}/tmp/tidegate-owned)`touch${IFS}/tmp/tidegate-owned`;touch${IFS}/tmp/tidegate-owned'
  const project = await place.project('named', {
    'tidegate.yaml': `steps:
  say: { run: 'echo \${{ branch }} "$TIDEGATE_BRANCH" "\${{ branch }}"' }
`,
  })
  await git(project.work, 'branch', branch)

  const push = await project.push(ana, branch)

  expect(push.code).toBe(0)
  expect(await project.run(1)).toMatchObject({ state: 'succeeded', branch })
  expect(await project.log(1, 'say')).toBe(`${branch} ${branch} ${branch}\n`)
  expect(existsSync('/tmp/tidegate-owned')).toBe(false)
})

const CALL = `import json, os, urllib.error, urllib.request

def status(method, path):
    headers = {"authorization": "Bearer " + os.environ["TIDEGATE_TOKEN"], "content-type": "application/json"}
    body = None if method in ("GET", "DELETE") else b"{}"
    url = os.environ["TIDEGATE_URL"] + "/api/v1" + path
    try:
        return urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method)).status
    except urllib.error.HTTPError as error:
        return error.code

print(json.dumps({name: status(*call) for name, call in CALLS.items()}))
`
