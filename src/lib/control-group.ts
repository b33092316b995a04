import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { hasCode } from './error-code.ts'
import { sha256 } from './sha256.ts'

export interface GroupLimits {
  readonly memoryBytes?: number
  readonly processes?: number
}

/** A control group of the kernel: limits that hold at the byte, and a list of processes that nobody can leave. */
export interface ControlGroup {
  /** What `start` starts belongs to it from its first moment on, and all that it will start. */
  start<T>(start: () => T): T
  /** Whether the kernel keeps the memory limit; else somebody else must look. */
  readonly limitsMemory: boolean
  /** How many of its processes the kernel has killed because there was no memory left for them. */
  memoryKills(): number
  peakMemoryBytes(): number | undefined
  /** When nothing lives in it any more. */
  remove(): void
}

const MOUNT = '/sys/fs/cgroup'

/**
 * Undefined where we may not make one: not root, no control groups, or a version 2 that is not delegated to
 * us. `key` is what finds it again, in another process too.
 */
export function openControlGroup(key: string, limits: GroupLimits): ControlGroup | undefined {
  const made = parents().flatMap((parent) => {
    const folder = join(parent.folder, nameOf(key))
    return makeFolder(folder) ? [{ ...parent, parentFolder: parent.folder, folder }] : []
  })
  if (made.length === 0) return undefined
  const memory = made.find(({ controllers }) => controllers.includes('memory'))
  const limitsMemory = memory !== undefined && setMemoryLimit(memory, limits.memoryBytes)
  for (const { folder, controllers } of made) {
    if (limits.processes !== undefined && controllers.includes('pids'))
      write(join(folder, 'pids.max'), String(limits.processes))
  }
  return {
    limitsMemory,
    start: (start) => startIn(made, start),
    memoryKills: () => (memory === undefined ? 0 : memoryKills(memory)),
    peakMemoryBytes: () => (memory === undefined ? undefined : peakBytes(memory)),
    remove: () => removeControlGroup(key),
  }
}

/** Every process of the group, whoever made it. */
export function processesOfGroup(key: string): number[] {
  const folder = parents()
    .map((parent) => join(parent.folder, nameOf(key)))
    .find((each) => existsSync(each))
  return folder === undefined ? [] : read(join(folder, 'cgroup.procs')).split('\n').filter(Boolean).map(Number)
}

/** Of a group that still has a process nothing is removed; whoever comes next may try again. */
export function removeControlGroup(key: string): void {
  for (const parent of parents()) {
    try {
      rmdirSync(join(parent.folder, nameOf(key)))
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'EBUSY', 'EACCES', 'EPERM', 'EROFS')) throw error
    }
  }
}

/** In words, for `doctor`: what the kernel can limit here. */
export function describeControlGroups():
  | { readonly version: 1 | 2; readonly controllers: readonly string[] }
  | undefined {
  const usable = parents().filter(({ folder }) => {
    const trial = join(folder, `tidegate-trial-${process.pid}`)
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
let known: readonly Parent[] | undefined
function parents(): readonly Parent[] {
  known ??= existsSync(join(MOUNT, 'cgroup.controllers')) ? parentsOfTwo() : parentsOfOne()
  return known
}

function parentsOfOne(): Parent[] {
  return WANTED.flatMap((controller) => {
    const folder = ownFolder(join(MOUNT, controller), controller)
    return existsSync(join(folder, 'cgroup.procs')) ? [{ version: 1 as const, folder, controllers: [controller] }] : []
  })
}

/** A group with processes of its own can hand no controllers down: then it is its parent that may. */
function parentsOfTwo(): Parent[] {
  const own = ownFolder(MOUNT, '')
  for (const folder of [own, dirname(own)]) {
    if (!folder.startsWith(MOUNT)) continue
    write(join(folder, 'cgroup.subtree_control'), WANTED.map((name) => `+${name}`).join(' '))
    const handed = read(join(folder, 'cgroup.subtree_control')).trim().split(' ')
    const controllers = WANTED.filter((name) => handed.includes(name))
    if (controllers.includes('memory')) return [{ version: 2, folder, controllers }]
  }
  return []
}

function ownFolder(mount: string, controller: string): string {
  const lines = read('/proc/self/cgroup')
    .split('\n')
    .map((line) => line.split(':'))
  const line = lines.find(([, controllers = '']) => controllers.split(',').includes(controller))
  const folder = join(mount, line?.slice(2).join(':') ?? '')
  return existsSync(folder) ? folder : mount
}

function nameOf(key: string): string {
  return `tidegate-${sha256(key).slice('sha256:'.length, 'sha256:'.length + 24)}`
}

/** Swap would only make an attempt that is over its limit slow. */
function setMemoryLimit({ version, folder }: Parent, bytes: number | undefined): boolean {
  if (bytes === undefined) return false
  if (version === 2) {
    write(join(folder, 'memory.swap.max'), '0')
    return write(join(folder, 'memory.max'), String(bytes))
  }
  const isSet = write(join(folder, 'memory.limit_in_bytes'), String(bytes))
  write(join(folder, 'memory.memsw.limit_in_bytes'), String(bytes))
  return isSet
}

function memoryKills({ version, folder }: Parent): number {
  const file = join(folder, version === 2 ? 'memory.events' : 'memory.oom_control')
  return Number(/^oom_kill (\d+)$/m.exec(read(file))?.[1] ?? 0)
}

function peakBytes({ version, folder }: Parent): number | undefined {
  const text = read(join(folder, version === 2 ? 'memory.peak' : 'memory.max_usage_in_bytes'))
  return text === '' ? undefined : Number(text)
}

/** A child is where its parent is: so we go in, start it, and come back. */
function startIn<T>(made: readonly (Parent & { readonly parentFolder: string })[], start: () => T): T {
  const entered = made.filter(({ folder }) => write(join(folder, 'cgroup.procs'), String(process.pid)))
  try {
    return start()
  } finally {
    for (const { parentFolder } of entered) {
      if (!write(join(parentFolder, 'cgroup.procs'), String(process.pid))) leaveFor(parentFolder)
    }
  }
}

/** Whoever stays behind would be killed with what it watches. */
function leaveFor(folder: string): never {
  throw new Error(`the supervisor cannot return to its control group ${folder}`)
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

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
