import { readdirSync, readFileSync } from 'node:fs'

/** What /proc/<pid>/stat says. `startTicks` tells a process from a later one of the same pid. */
export interface ProcessRow {
  readonly pid: number
  readonly state: string
  readonly parent: number
  readonly group: number
  readonly session: number
  readonly startTicks: string
  readonly residentPages: number
}

/** Undefined where no such process is, or only its zombie. */
export function readProcess(pid: number): ProcessRow | undefined {
  const text = readProc(pid, 'stat')
  if (text === '') return undefined
  const row = parseStat(text)
  return row.state === 'Z' || row.state === 'X' ? undefined : row
}

/** Every process but zombies, in no order. Costs about 15 µs each. */
export function listProcesses(): ProcessRow[] {
  const rows: ProcessRow[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const row = readProcess(Number(name))
    if (row) rows.push(row)
  }
  return rows
}

/** Whether the process was started with exactly this in its environment. False where we may not look. */
export function hasInEnvironment(pid: number, name: string, value: string): boolean {
  return `\0${readProc(pid, 'environ')}`.includes(`\0${name}=${value}\0`)
}

export function isSameProcess(identity: { readonly pid: number; readonly startTicks: string }): boolean {
  return readProcess(identity.pid)?.startTicks === identity.startTicks
}

/** Who started it: what a program that changes its user keeps. Undefined where no such process is. */
export function userOf(pid: number): number | undefined {
  const [, user] = /^Uid:\s+(\d+)/m.exec(readProc(pid, 'status')) ?? []
  return user === undefined ? undefined : Number(user)
}

/** Its program's, unless it calls itself something else. Empty where no such process is. */
export function nameOf(pid: number): string {
  return readProc(pid, 'comm').trimEnd()
}

/** Field 2 is the program's name in parentheses and may hold anything, so we count from the last one. */
export function parseStat(text: string): ProcessRow {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return {
    pid: Number.parseInt(text, 10),
    state: fields[0] ?? '',
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    startTicks: fields[19] ?? '',
    residentPages: Number(fields[21]),
  }
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    // Gone in between (ENOENT, ESRCH), or not ours to read (EACCES): both mean there is nothing to see.
    return ''
  }
}
