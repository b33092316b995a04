import { readdirSync, readFileSync } from 'node:fs'

/** In the environment of a model host and of whatever its model starts: finds them when their parent is gone. */
export const HOST_MARK = 'TIDEGATE_HOST'

const PAGE_BYTES = 4_096

/** Resident memory of a process and all its descendants. 0 when it is gone. */
export function treeMemoryBytes(pid: number): number {
  let bytes = residentBytes(pid)
  for (const child of childrenOf(pid)) bytes += treeMemoryBytes(child)
  return bytes
}

function residentBytes(pid: number): number {
  return Number(readProc(`${pid}/statm`).split(' ')[1] ?? 0) * PAGE_BYTES
}

function childrenOf(pid: number): number[] {
  return readProc(`${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number)
}

/** Ends every process whose mark begins with `mark`: also those that left the group or lost their parent. */
export function killMarked(mark: string): void {
  const wanted = `${HOST_MARK}=${mark}`
  for (const pid of processes()) {
    if (pid === process.pid) continue
    const marked = readProc(`${pid}/environ`)
      .split('\0')
      .some((entry) => entry.startsWith(wanted))
    if (marked) kill(pid)
  }
}

/** KILL to a process group (`-pid`) or a process; one that is gone already is fine. */
export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Field 22 of /proc/<pid>/stat; undefined when there is no such process, or only its zombie. */
export function startTicksOf(pid: number): string | undefined {
  const stat = readProc(`${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return stat === '' || fields[0] === 'Z' ? undefined : fields[19]
}

function processes(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

/** Empty when the process ends while we look, or is not ours to look at. */
function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'utf8')
  } catch {
    return ''
  }
}
