import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  describeControlGroups,
  processesOfGroup,
  removeControlGroup,
  removeLeftGroups,
} from '../../src/lib/control-group.ts'
import { IS_ROOT } from '../harness/is-root.ts'

const PROGRAM = fileURLToPath(new URL('group-program.ts', import.meta.url))

describe.runIf(IS_ROOT)('in a hierarchy of version 2', () => {
  let mount: string

  /** The kernel lets version 2 be mounted beside version 1: then with those controllers that version 1 does not hold. */
  beforeAll(async () => {
    mount = await mkdtemp(join(tmpdir(), 'tidegate-cgroup2-'))
    try {
      execFileSync('mount', ['-t', 'cgroup2', 'none', mount], { stdio: 'pipe' })
    } catch (error) {
      throw new Error(
        'cgroup2 cannot be mounted, which needs root and CAP_SYS_ADMIN: run the tests as root, in a container with --privileged.',
        { cause: error },
      )
    }
  })
  afterAll(async () => {
    execFileSync('umount', [mount])
    await rmdir(mount)
  })

  /** It has gone on out of the group, and left there what it started: who ends the group must not end the program. */
  async function startProgram() {
    const program = spawn(process.execPath, [PROGRAM, mount], { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines = createInterface(program.stdout)
    const [line] = (await once(lines, 'line')) as [string]
    const said = JSON.parse(line) as { name: string; limitsMemory: boolean; isStuck: boolean }
    const started = () => {
      const pids = processesOfGroup(said.name, mount)
      return pids.length === 3 && program.pid !== undefined && !pids.includes(program.pid)
    }
    await vi.waitUntil(started, { timeout: 20_000 })
    return { program, lines, said }
  }

  /** The kernel has one tree of version 2, wherever it is mounted. */
  const groupsOf = ({ pid }: ChildProcess) => readdirSync(mount).filter((name) => name.startsWith(`tidegate-${pid}-`))

  async function endGroup(name: string): Promise<void> {
    for (const pid of processesOfGroup(name, mount)) process.kill(pid, 'SIGKILL')
    await vi.waitUntil(() => processesOfGroup(name, mount).length === 0, { timeout: 20_000 })
  }

  test('a group lists whatever was started in it, also what left its session, and is removed when it is empty', async () => {
    const { program, lines, said } = await startProgram()

    expect(processesOfGroup(said.name, mount)).not.toContain(program.pid)
    expect(removeControlGroup(said.name, mount)).toBe(false)
    await endGroup(said.name)
    program.stdin.write('remove\n')
    await once(lines, 'line')
    await vi.waitUntil(() => !existsSync(join(mount, said.name)), { timeout: 20_000 })
    program.stdin.end()
    await once(program, 'exit')

    expect(said.isStuck).toBe(false)
    removeLeftGroups(mount)
    expect(groupsOf(program)).toEqual([])
  })

  test('groups of a program that was killed are removed when nothing lives in them any more', async () => {
    const { program, said } = await startProgram()
    program.kill('SIGKILL')
    await once(program, 'exit')

    removeLeftGroups(mount)
    const whileItLives = groupsOf(program)
    await endGroup(said.name)
    removeLeftGroups(mount)

    expect(whileItLives).toContain(said.name)
    expect(groupsOf(program)).toEqual([])
  })

  test('a memory limit is said to be kept only where version 2 has the controller for it', async () => {
    const { program, said } = await startProgram()
    const described = describeControlGroups(mount)

    await endGroup(said.name)
    program.stdin.end()
    await once(program, 'exit')
    removeLeftGroups(mount)

    expect(described?.version).toBe(2)
    expect(said.limitsMemory).toBe(described?.controllers.includes('memory'))
  })
})
