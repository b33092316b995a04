import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a process does when it reaches a point: dies by SIGKILL, fails as if the disk or database did, or waits. */
export type Action = 'kill' | 'break' | 'hold'

export interface Arm {
  readonly point: string
  readonly action: Action
  /** Only of things whose id begins so: a project's name. */
  readonly subject: string
  /** Arms that are otherwise the same are taken one after the other. */
  readonly count: number
}

/** A point acts once. Files are the whole of it, because whoever reaches it may be any process. */
export interface Arms {
  readonly folder: string
  arm(point: string, action?: Action, options?: { subject?: string; times?: number }): void
  /** Points that kill, and that nobody has reached yet. */
  left(): string[]
  /** Every time an armed point was reached: its name and what was there. */
  reached(): { point: string; subject: string }[]
  /** Whether somebody waits at the point. */
  isHeld(point: string, subject: string): boolean
  release(point: string, subject: string): void
  clear(): void
}

export function openArms(folder: string): Arms {
  for (const name of ['armed', 'taken', 'held']) mkdirSync(join(folder, name), { recursive: true })
  const namesIn = (name: string) => readdirSync(join(folder, name))
  const heldAt = (point: string, subject: string) =>
    namesIn('held').filter((name) => parseArm(name).point === point && parseArm(name).subject === subject)
  return {
    folder,
    arm(point, action = 'kill', { subject = '', times = 1 } = {}) {
      for (let count = 0; count < times; count += 1)
        writeFileSync(join(folder, 'armed', nameArm({ point, action, subject, count })), '')
    },
    left: () => namesIn('armed').flatMap((name) => (parseArm(name).action === 'kill' ? parseArm(name).point : [])),
    reached() {
      if (!existsSync(join(folder, 'reached'))) return []
      const lines = readFileSync(join(folder, 'reached'), 'utf8').trimEnd().split('\n')
      return lines.map((line) => {
        const [point = '', subject = ''] = line.split('\t')
        return { point, subject }
      })
    },
    isHeld: (point, subject) => heldAt(point, subject).length > 0,
    release(point, subject) {
      for (const name of heldAt(point, subject)) rmSync(join(folder, 'held', name))
    },
    clear() {
      for (const name of namesIn('armed')) rmSync(join(folder, 'armed', name))
    },
  }
}

function nameArm(arm: Arm): string {
  return encodeURIComponent(JSON.stringify(arm))
}

export function parseArm(name: string): Arm {
  return JSON.parse(decodeURIComponent(name)) as Arm
}
