import { appendFileSync } from 'node:fs'

/** A line of JSON for each thing that happened, in a file of its own: for short programs, which load no logger. */
export function appendLog(file: string) {
  const write = (level: string) => (facts: object, event: string) => {
    appendFileSync(file, `${JSON.stringify({ level, at: Date.now(), ...facts, event }, sayError)}\n`, { mode: 0o600 })
  }
  return { info: write('info'), warn: write('warn'), error: write('error') }
}

function sayError(_key: string, value: unknown): unknown {
  return value instanceof Error ? (value.stack ?? value.message) : value
}
