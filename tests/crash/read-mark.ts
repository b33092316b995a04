import { readFileSync } from 'node:fs'
import { ATTEMPT_MARK } from '../../src/core/attempt-files.ts'

/** Of which attempt's folder a process is, by what it was started with; undefined where it is of none, or gone. */
export function readMark(pid: number): string | undefined {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
    const prefix = `${ATTEMPT_MARK}=`
    return environment.find((entry) => entry.startsWith(prefix))?.slice(prefix.length)
  } catch {
    return undefined
  }
}
