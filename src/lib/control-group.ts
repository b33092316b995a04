import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { hasCode } from './error-code.ts'
import { isSameProcess, readProcess } from './processes.ts'

export interface GroupLimits {
  readonly memoryBytes?: number
  readonly processes?: number
}

/** A control group of the kernel: limits that hold at the byte, and a list of processes that nobody can leave. */
export interface ControlGroup {
  /** Finds it again, in another process too. */
  readonly name: string
  /** Whether the kernel keeps the memory limit; else somebody else must look. */
  readonly limitsMemory: boolean
  /** All that was started in it and lives. */
  processes(): number[]
  /** How many of its processes the kernel has killed because there was no memory left for them. */
  memoryKills(): number
  /** Whether the kernel has refused it a process, or a thread, for its own limit of them. */
  metProcessLimit(): boolean
  peakMemoryBytes(): number | undefined
}

/**
 * The groups of a process that starts others, one set of them after another. A child is where its parent is, so
 * this process always waits in the group of those it will start next, and goes on into the one after when they run.
 * Entering a group costs the kernel up to ten milliseconds (it waits until no processor looks at the old membership):
 * so they pass while nobody waits for them.
 */
export interface ControlGroups {
  /**
   * The group that what is started from now on belongs to, until `goOn`. Undefined where we may not make one: not
   * root, no control groups, or a version 2 that is not delegated to us.
   */
  take(limits: GroupLimits): Promise<ControlGroup | undefined>
  /** Everything of the group has been started. It is removed when nothing lives in it any more and `remove` is called. */
  goOn(): void
  remove(group: ControlGroup | undefined): void
  /** We could not leave a group. Whoever stays behind is killed with what it watches: it must not start anything else. */
  readonly isStuck: boolean
}

/** `mount`: where the kernel’s groups are. */
export function createControlGroups(mount = MOUNT): ControlGroups {
  const me = `${process.pid}-${readProcess(process.pid)?.startTicks ?? '0'}`
  const left = new Set<string>()
  let count = 0
  let isStuck = false
  let isTaken = false
  let current: readonly Member[] = []
  let entering = enterNext()

  /** Enters a new group, and its parent where a tree has none: a group for memory is made only for who has a limit. */
  async function enterNext(): Promise<void> {
    const next = makeMembers(`${PREFIX}${me}-${count++}`, parents(mount).filter(isCheap))
    const entered: Member[] = []
    for (const member of next) {
      if (await writeSlowly(join(member.folder, 'cgroup.procs'), String(process.pid))) entered.push(member)
      else left.add(member.name)
    }
    for (const { parent } of current) {
      if (entered.some((member) => member.parent === parent)) continue
      if (!(await writeSlowly(join(parent.folder, 'cgroup.procs'), String(process.pid)))) isStuck = true
    }
    // Of one that we are not in nothing could be said: what we start would not be there either.
    current = entered
    for (const name of left) removeControlGroup(name, mount)
    left.clear()
  }

  /** Their own, because what we needed while we waited counts in the one we wait in. */
  function enterLimited(): void {
    const own = makeMembers(`${PREFIX}${me}-${count++}`, parents(mount))
    const entered = own.filter(({ folder }) => write(join(folder, 'cgroup.procs'), String(process.pid)))
    const [waited] = current
    if (entered.length === 0) return
    if (waited !== undefined) left.add(waited.name)
    current = entered
  }

  return {
    async take(limits) {
      await entering
      if (limits.memoryBytes !== undefined) enterLimited()
      isTaken = true
      return groupOf(current, limits)
    },
    goOn() {
      if (!isTaken) return
      isTaken = false
      entering = enterNext()
    },
    remove(group) {
      if (group === undefined) return
      left.add(group.name)
      // We may be in it still: then it goes when we have left.
      void entering.then(() => removeControlGroup(group.name, mount) && left.delete(group.name))
    },
    get isStuck() {
      return isStuck
    },
  }
}

const MOUNT = '/sys/fs/cgroup'
const PREFIX = 'tidegate-'

/** A group in one of the kernel's trees. */
interface Member {
  readonly name: string
  readonly parent: Parent
  readonly folder: string
}

function makeMembers(name: string, trees: readonly Parent[]): Member[] {
  return trees.flatMap((parent) => {
    const folder = join(parent.folder, name)
    return makeFolder(folder) ? [{ name, parent, folder }] : []
  })
}

function isCheap({ controllers }: Parent): boolean {
  return controllers.length === 0 || controllers.some((controller) => controller !== 'memory')
}

function groupOf(members: readonly Member[], limits: GroupLimits): ControlGroup | undefined {
  const [first] = members
  if (first === undefined) return undefined
  const memory = members.find(({ parent }) => parent.controllers.includes('memory'))
  const limitsMemory = memory !== undefined && setMemoryLimit(memory, limits.memoryBytes)
  const { processes } = limits
  const counting =
    processes === undefined ? undefined : members.find(({ parent }) => parent.controllers.includes('pids'))
  if (counting !== undefined) write(join(counting.folder, 'pids.max'), String(processes))
  return {
    name: first.name,
    limitsMemory,
    processes: () => processesIn(first.folder).filter((pid) => pid !== process.pid),
    memoryKills: () => (memory === undefined ? 0 : memoryKills(memory)),
    metProcessLimit: () => counting !== undefined && metProcessLimit(counting),
    peakMemoryBytes: () => (memory === undefined ? undefined : peakBytes(memory)),
  }
}

/** Every process of the group, whoever made it. */
export function processesOfGroup(name: string, mount = MOUNT): number[] {
  const folder = parents(mount)
    .map((parent) => join(parent.folder, name))
    .find((each) => existsSync(each))
  return folder === undefined ? [] : processesIn(folder)
}

function processesIn(folder: string): number[] {
  return read(join(folder, 'cgroup.procs')).split('\n').filter(Boolean).map(Number)
}

/** Of a group that still has a process nothing is removed; whoever comes next may try again. False: it is still there. */
export function removeControlGroup(name: string, mount = MOUNT): boolean {
  let isGone = true
  for (const parent of parents(mount)) {
    try {
      rmdirSync(join(parent.folder, name))
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'EBUSY', 'ENOTEMPTY', 'EACCES', 'EPERM', 'EROFS')) throw error
      if (!hasCode(error, 'ENOENT')) isGone = false
    }
  }
  return isGone
}

/** What processes that were killed have left: groups whose maker is dead, and in which nothing lives. */
export function removeLeftGroups(mount = MOUNT): void {
  const names = parents(mount).flatMap(({ folder }) => readdirSync(folder).filter((name) => name.startsWith(PREFIX)))
  for (const name of new Set(names)) {
    const [pid, startTicks = ''] = name.slice(PREFIX.length).split('-')
    if (!isSameProcess({ pid: Number(pid), startTicks })) removeControlGroup(name, mount)
  }
}

/** In words, for `doctor`: what the kernel can limit here. */
export function describeControlGroups(
  mount = MOUNT,
): { readonly version: 1 | 2; readonly controllers: readonly string[] } | undefined {
  const usable = parents(mount).filter(({ folder }) => {
    const trial = join(folder, `${PREFIX}trial-${process.pid}`)
    if (!makeFolder(trial)) return false
    rmdirSync(trial)
    return true
  })
  const [first] = usable
  if (first === undefined) return undefined
  return { version: first.version, controllers: usable.flatMap(({ controllers }) => controllers) }
}

interface Parent {
  readonly version: 1 | 2
  readonly folder: string
  readonly controllers: readonly string[]
}

const WANTED = ['memory', 'pids'] as const

/** Version 1 has a tree for each controller, version 2 one for all. We stay below the group we are in ourselves. */
const known = new Map<string, readonly Parent[]>()
function parents(mount: string): readonly Parent[] {
  const found =
    known.get(mount) ?? (existsSync(join(mount, 'cgroup.controllers')) ? parentsOfTwo(mount) : parentsOfOne(mount))
  known.set(mount, found)
  return found
}

function parentsOfOne(mount: string): Parent[] {
  return WANTED.flatMap((controller) => {
    const folder = ownFolder(join(mount, controller), controller)
    return existsSync(join(folder, 'cgroup.procs')) ? [{ version: 1 as const, folder, controllers: [controller] }] : []
  })
}

/**
 * A group with processes of its own can hand no controllers down: then it is its parent that may. Where neither has
 * any, a group still is a list of processes that nobody can leave.
 */
function parentsOfTwo(mount: string): Parent[] {
  const own = ownFolder(mount, '')
  const folders = [own, dirname(own)].filter((folder) => folder.startsWith(mount))
  const handing = folders
    .map((folder) => ({ version: 2 as const, folder, controllers: handDown(folder) }))
    .find(({ controllers }) => controllers.includes('memory'))
  return [handing ?? { version: 2, folder: own, controllers: handDown(own) }]
}

/** One by one: the kernel takes all or nothing of what is written at once. */
function handDown(folder: string): string[] {
  for (const name of WANTED) write(join(folder, 'cgroup.subtree_control'), `+${name}`)
  const handed = read(join(folder, 'cgroup.subtree_control')).trim().split(' ')
  return WANTED.filter((name) => handed.includes(name))
}

function ownFolder(mount: string, controller: string): string {
  const lines = read('/proc/self/cgroup')
    .split('\n')
    .map((line) => line.split(':'))
  const line = lines.find(([, controllers = '']) => controllers.split(',').includes(controller))
  const folder = join(mount, line?.slice(2).join(':') ?? '')
  return existsSync(folder) ? folder : mount
}

/** Swap would only make an attempt that is over its limit slow. */
function setMemoryLimit({ parent: { version }, folder }: Member, bytes: number | undefined): boolean {
  if (bytes === undefined) return false
  if (version === 2) {
    write(join(folder, 'memory.swap.max'), '0')
    return write(join(folder, 'memory.max'), String(bytes))
  }
  const isSet = write(join(folder, 'memory.limit_in_bytes'), String(bytes))
  write(join(folder, 'memory.memsw.limit_in_bytes'), String(bytes))
  return isSet
}

function memoryKills({ parent: { version }, folder }: Member): number {
  const file = join(folder, version === 2 ? 'memory.events' : 'memory.oom_control')
  return Number(/^oom_kill (\d+)$/m.exec(read(file))?.[1] ?? 0)
}

/** Many kernels count here too what a group above refused: then ours never had as many as it may. Older ones keep no peak. */
function metProcessLimit({ folder }: Member): boolean {
  if (!/^max [1-9]/m.test(read(join(folder, 'pids.events')))) return false
  const peak = read(join(folder, 'pids.peak'))
  return peak === '' || Number(peak) >= Number(read(join(folder, 'pids.max')))
}

function peakBytes({ parent: { version }, folder }: Member): number | undefined {
  const text = read(join(folder, version === 2 ? 'memory.peak' : 'memory.max_usage_in_bytes'))
  return text === '' ? undefined : Number(text)
}

function makeFolder(folder: string): boolean {
  try {
    mkdirSync(folder)
    return true
  } catch (error) {
    return hasCode(error, 'EEXIST')
  }
}

function write(file: string, text: string): boolean {
  try {
    writeFileSync(file, text)
    return true
  } catch {
    // Not ours to write, or the kernel has no such limit: the caller goes on without it.
    return false
  }
}

/** As `write`, and waits beside the program. */
async function writeSlowly(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text)
    return true
  } catch {
    // As above.
    return false
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
