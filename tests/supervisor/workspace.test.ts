import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openArtifacts } from '../../src/artifacts/open-artifacts.ts'
import { readTree } from '../../src/artifacts/read.ts'
import { flipByte } from '../harness/flip-byte.ts'
import { openAttemptPlace, untilFile, type AttemptPlace } from './attempt-place.ts'
import { untilEnded } from '../contract/executor.ts'
import { IS_ROOT } from '../harness/is-root.ts'

let place: AttemptPlace

beforeAll(async () => {
  place = await openAttemptPlace()
})

afterAll(() => place[Symbol.asyncDispose]())

test('the workspace holds exactly the inputs, executable where they were', async () => {
  const inputs = [
    await place.file('src/deep/a.py', 'print(1)'),
    { ...(await place.file('run.sh', '#!/bin/sh\necho from script')), executable: true },
    { ...(await place.file('link', 'src/deep')), symlink: true as const },
  ]

  const { log } = await place.run('find . -type f | sort; ./run.sh; cat link/a.py', { inputs })

  expect(log).toBe('./run.sh\n./src/deep/a.py\nfrom script\nprint(1)')
})

test('folders that outputs are promised in are made, and none through a link or a file', async () => {
  const inputs = [
    await place.file('file', ''),
    { ...(await place.file('link', '/tmp')), symlink: true as const },
    await place.file('data/raw.csv', ''),
  ]
  const outFolders = ['data/clean', 'file/x', 'link/tidegate-never']

  const { log } = await place.run('find . -mindepth 1 | sort; test ! -e /tmp/tidegate-never', { inputs, outFolders })

  expect(log).toBe('./data\n./data/clean\n./data/raw.csv\n./file\n./link\n')
})

test('the environment is the order, the secrets, a private home and nothing else', async () => {
  const { log, order } = await place.run('env | sort', { env: { PATH: '/usr/bin:/bin', A: '1' } }, { TOKEN: 'visible' })

  const names = log.split('\n').map((line) => line.split('=')[0])
  expect(names.filter((name) => name !== '' && name !== 'PWD')).toEqual([
    'A',
    'HOME',
    'PATH',
    'TIDEGATE_MARK',
    'TMPDIR',
    'TOKEN',
  ])
  expect(log).toContain(`HOME=${order.workspace}.home\n`)
  expect(existsSync(`${order.workspace}.home`)).toBe(false)
})

test('a secret with the name of one of our variables does not replace it', async () => {
  const env = { PATH: '/usr/bin:/bin', TIDEGATE_RUN: 'digits#1' }
  const secrets = { PATH: '/nowhere', HOME: '/nowhere', TIDEGATE_RUN: 'another#2', TIDEGATE_TOKEN: 'of-the-run' }

  const { log, order } = await place.run('echo "$PATH $HOME $TIDEGATE_RUN ${#TIDEGATE_TOKEN}"', { env }, secrets)

  expect(log).toBe(`/usr/bin:/bin ${order.workspace}.home digits#1 10\n`)
})

test('a secret that was not handed over fails the attempt by name', async () => {
  const { record } = await place.run('true', { secretNames: ['TOKEN'] })

  expect(record).toMatchObject({ outcome: 'failed', reason: 'setup-error' })
  expect(record.message).toContain('TOKEN')
})

test('a secret that no program can be given fails the attempt without being shown', async () => {
  const { record, log } = await place.run('true', {}, { TOKEN: 'horse\0battery' })

  expect(record).toMatchObject({ outcome: 'failed', reason: 'setup-error' })
  expect(record.message).toContain('TOKEN')
  expect(log + record.message).not.toMatch(/horse|battery/)
})

test('a script too long for the system is refused in words', async () => {
  const { record } = await place.run(`echo ${'x'.repeat(200_000)}`)

  expect(record.reason).toBe('setup-error')
  expect(record.message).toContain('128 KiB')
})

test('a file and a folder that were promised are in the store, whole', async () => {
  const run = 'mkdir -p data/deep; echo a > data/a; echo b > data/deep/b; chmod +x data/deep/b; echo m > model'

  const { record } = await place.run(run, { outs: ['model', 'data/'] })

  expect(record.outs['model']).toMatchObject({ kind: 'file', size: 2 })
  const tree = await readTree(place.store, record.outs['data/']!.digest)
  expect(tree.files.map(({ path, executable }) => [path, executable])).toEqual([
    ['a', false],
    ['deep/b', true],
  ])
})

test('a missing output is named together with what was written instead', async () => {
  const inputs = [await place.file('train.py', '')]

  const { record } = await place.run('mkdir out; echo x > out/model.onx', { inputs, outs: ['out/model.onnx'] })

  expect(record).toMatchObject({ outcome: 'failed', reason: 'missing-outs' })
  expect(record.message).toBe('It ended well but did not write out/model.onnx. It wrote out/model.onx.')
})

test('what lies behind a link out of the workspace is neither stored nor named', async () => {
  const run = 'mkdir ../beside; echo secret > ../beside/key; ln -s ../beside out; ln -s .. up'

  const { record } = await place.run(run, { outs: ['out/key'], keep: ['out/*', 'up/**/key'] })

  expect(record).toMatchObject({ outcome: 'failed', reason: 'missing-outs', outs: {}, kept: {} })
  expect(record.message).toBe(
    'It ended well but did not write out/*, up/**/key; out/key leads out of the workspace. It wrote out, up.',
  )
})

test('reports that match a pattern are kept by their own paths', async () => {
  const { record } = await place.run('mkdir r; echo 1 > r/a.xml; echo 2 > r/b.xml; echo 3 > r/c.txt', {
    keep: ['r/*.xml'],
  })

  expect(Object.keys(record.kept).sort()).toEqual(['r/a.xml', 'r/b.xml'])
})

test('an output that is a link to a file outside is not an output', async () => {
  const { record } = await place.run('ln -s /etc/passwd model; ln -s /etc data', { outs: ['model', 'data/passwd'] })

  expect(record).toMatchObject({ outcome: 'failed', reason: 'missing-outs', outs: {} })
  expect(record.message).toBe(
    'It ended well but model leads out of the workspace; data/passwd leads out of the workspace. It wrote data, model.',
  )
})

test('an output that is a pipe does not hold anything up, and it is said what is no file', async () => {
  const { record } = await place.run('mkfifo model; ln -s nothing dead; ln -s /nowhere/at/all out', {
    outs: ['model', 'none', 'dead', 'out'],
  })

  expect(record).toMatchObject({ outcome: 'failed', reason: 'missing-outs' })
  expect(record.message).toBe(
    'It ended well but did not write none; model is a pipe; dead is a link to what is not there; out leads out of the workspace. It wrote dead, out.',
  )
})

test('paths that are too long are told in a few words, and a secret at the end of them is not cut in two', async () => {
  const deep = `import os
os.mkdir('out'); os.chdir('out')
for _ in range(30):
    os.mkdir('n' * 200); os.chdir('n' * 200)
open('f', 'w').close()`
  const inputs = [await place.file('deep.py', deep)]
  const { record, order } = await place.run('python3 deep.py', { inputs, outs: ['out'] })
  // Node cannot remove it.
  execFileSync('rm', ['-rf', order.workspace])
  expect(record.outcome).toBe('failed')
  expect(record.message).toMatch(/^A path in its workspace is too long to be read: …[n/]{100}. Make it shorter.$/)

  const SECRET = 'hunter22hunter22'
  const names = `${'n'.repeat(239)} ${'m'.repeat(240)}`
  const many = await place.run(
    `mkdir ${names}; touch ${'n'.repeat(239)}/x ${'m'.repeat(240)}/$KEY zz`,
    { outs: ['model'] },
    { KEY: SECRET },
  )
  expect(many.record.message?.length).toBeLessThanOrEqual(501)
  expect(many.record.message).not.toContain('hunter')
})

test('an absolute link to a place within its output is stored as the relative one that it is', async () => {
  const run = 'mkdir -p out/v1/deep; echo x > out/v1/f; ln -s $PWD/out/v1 out/latest; ln -s $PWD/out/v1/f out/v1/deep/f'

  const { record } = await place.run(run, { outs: ['out'] })

  expect(record.message).toBeUndefined()
  const again = await place.run('readlink in/latest in/v1/deep/f; cat in/latest/f', {
    inputs: (await readTree(place.store, record.outs['out']!.digest)).files.map((file) => ({
      ...file,
      path: `in/${file.path}`,
    })),
  })
  expect(again.log).toBe('v1\n../f\nx\n')
  const out = await place.run('mkdir out; ln -s $PWD/other out/a', { outs: ['out'] })
  expect(out.record.message).toContain('The link a leads out of its folder')
})

test.runIf(IS_ROOT)("what an attempt's own user leaves in folders of all goes with it, and nothing else", async () => {
  const user = { uid: 231_011, gid: 231_011 }
  const kept = mkdtempSync('/tmp/tidegate-kept-')
  writeFileSync(join(kept, 'file'), 'of somebody')
  const name = basename(kept)

  const { record } = await place.run(
    `for in in /dev/shm /tmp /var/tmp; do
      echo x > $in/${name}.file; mkdir -p $in/${name}.dir/deep; echo x > $in/${name}.dir/deep/file; ln -s ${kept} $in/${name}.link
    done`,
    { runAs: user },
  )

  expect(record.outcome).toBe('succeeded')
  const left = ['/dev/shm', '/tmp', '/var/tmp']
    .flatMap((folder) => readdirSync(folder))
    .filter((found) => found.startsWith(name))
  expect(left).toEqual([name])
  expect(readFileSync(join(kept, 'file'), 'utf8')).toBe('of somebody')
  rmSync(kept, { recursive: true })
})

test('inputs that would leave the workspace are refused', async () => {
  for (const path of ['../escaped', '/tmp/escaped', 'a/../../escaped']) {
    const { record } = await place.run('true', { inputs: [await place.file(path, 'x')] })

    expect(record).toMatchObject({ outcome: 'failed', reason: 'setup-error' })
  }
  const through = [{ ...(await place.file('a', '/tmp')), symlink: true as const }, await place.file('a/escaped', 'x')]
  expect((await place.run('true', { inputs: through })).record).toMatchObject({ reason: 'setup-error' })
  expect(existsSync('/tmp/escaped')).toBe(false)
})

test('an input the store has lost or damaged fails the attempt before its command', async () => {
  const lost = await place.file('lost', 'soon gone')
  await place.store.delete(lost.digest)
  const damaged = await place.file('damaged', 'soon wrong')
  flipByte(place.store, damaged.digest)

  const first = await place.run('echo ran', { inputs: [lost] })
  const second = await place.run('echo ran', { inputs: [damaged] })

  expect(first.record).toMatchObject({
    reason: 'damaged-input',
    message: expect.stringContaining('has nothing called'),
    lost: [{ path: 'lost', digest: lost.digest }],
  })
  expect(second.record).toMatchObject({
    reason: 'damaged-input',
    message: expect.stringContaining('another digest'),
    lost: [{ path: 'damaged', digest: damaged.digest }],
  })
  expect(await place.store.has(damaged.digest)).toBeUndefined()
  expect(first.log + second.log).not.toContain('ran\n')
})

describe.runIf(IS_ROOT)('a command of an unprivileged user', () => {
  const alice = { uid: 63_001, gid: 63_001 }
  const bob = { uid: 63_002, gid: 63_002 }

  test('owns its workspace, with the inputs, and its output is collected', async () => {
    const inputs = [await place.file('src/a.txt', 'a')]

    const { log, record } = await place.run('id -u; id -G; echo b >> src/a.txt; echo > /dev/stderr; echo m > model', {
      inputs,
      outs: ['model'],
      runAs: alice,
    })

    expect(log).toBe('63001\n63001\n\n')
    expect(record.outcome).toBe('succeeded')
  })

  test('has a name, though it stands in no list of users', async () => {
    const { log } = await place.run('python3 -c "import getpass; print(getpass.getuser())"', {
      env: { PATH: '/usr/bin:/bin' },
      runAs: alice,
    })

    expect(log).toBe('tidegate\n')
  })

  test('cannot read secrets of the server, the store, or the folders of other attempts', async () => {
    mkdirSync(join(place.folder, 'keys'), { mode: 0o700 })
    writeFileSync(join(place.folder, 'keys/key'), 'the key')
    writeFileSync(join(place.folder, 'state.db'), 'the database', { mode: 0o600 })
    const other = place.order('echo private > note; echo ready > ready; sleep 1000', { runAs: bob })
    await place.executor.submit(other, {})
    await untilFile(join(other.workspace, 'ready'))

    const targets = [
      join(place.folder, 'keys/key'),
      join(place.folder, 'state.db'),
      join(other.workspace, 'note'),
      join(other.attemptFolder, 'log'),
      join(place.folder, 'store/sha256'),
    ]
    const look = `set +e; ls ${place.folder} ${place.folder}/work; cat ${targets.join(' ')}; true`
    const { log } = await place.run(look, { runAs: alice })

    await place.executor.cancel(other.attemptFolder, 0)
    await untilEnded(place.executor, other.attemptFolder)
    expect(log).not.toContain('private')
    expect(log).not.toContain('the key')
    expect(log).not.toContain('the database')
    expect(log.match(/Permission denied/g)).toHaveLength(2 + targets.length)
  })

  test('leaves a workspace that a later attempt of the same user cannot read', async () => {
    const first = await place.run('echo private > note', { runAs: alice })

    const second = await place.run(`cat ${first.order.workspace}/note`, { runAs: alice })

    expect(second.log).toContain('Permission denied')
    expect(readFileSync(join(first.order.workspace, 'note'), 'utf8')).toBe('private\n')
  })

  test('is told what to do when it may not reach its workspace', async () => {
    // Above the data folder, and not a temporary one: not ours to open.
    const closed = mkdtempSync('/var/tidegate-closed-')
    const data = join(closed, 'data')
    mkdirSync(join(data, 'store'), { recursive: true, mode: 0o700 })
    try {
      const places = { workspace: join(data, 'work/1'), storeFolder: join(data, 'store') }
      const { record } = await place.run('true', { ...places, runAs: alice })

      expect(record).toMatchObject({ outcome: 'failed', reason: 'setup-error' })
      expect(record.message).toContain(`chmod o+x ${closed}`)
      expect(statSync(closed).mode & 0o777).toBe(0o700)
    } finally {
      rmSync(closed, { recursive: true })
    }
  })
})

test.runIf(IS_ROOT)('a full disk is said to be full', async () => {
  const small = mkdtempSync(join(tmpdir(), 'tidegate-small-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'none', small])
  try {
    const places = { workspace: join(small, 'work/1') }
    const filler = await place.run('head -c 8000000 /dev/zero > big', places)
    const inputs = [await place.file('big', 'x'.repeat(5_000_000))]
    const unprepared = await place.run('true', { workspace: join(small, 'work/2'), inputs })

    expect(filler.record).toMatchObject({ outcome: 'failed', reason: 'disk-full' })
    expect(unprepared.record).toMatchObject({ outcome: 'failed', reason: 'disk-full' })
  } finally {
    execFileSync('umount', ['-l', small])
    rmSync(small, { recursive: true, force: true })
  }
})

test('a large output comes back as it was', async () => {
  const { record } = await place.run('head -c 50000000 /dev/zero > big', { outs: ['big'] })

  const back = join(place.folder, 'back')
  await openArtifacts(place.store).restore(record.outs['big']!, back)

  expect(statSync(back).size).toBe(50_000_000)
})
