import type { Digest } from '../core/digest.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { isRecord } from '../lib/is-record.ts'
import { sha256 } from '../lib/sha256.ts'

/**
 * What decides a step's outputs, by name: equal parts, equal outputs. Stored beside the cached outputs, so
 * that a miss can say what differs.
 */
export interface KeyParts {
  /** Of the parts themselves. Entries of another form are never found, and are nothing to compare with. */
  readonly form: typeof KEY_FORM
  /** The command's text, or the task's name and code version. */
  readonly work: string
  /** Members of a task's prepared input. */
  readonly input: Readonly<Record<string, unknown>>
  /** What the steps that this one `uses` provide. */
  readonly environment: Readonly<Record<string, string>>
  readonly deps: Readonly<Record<string, Digest>>
  /** What was selected, in the words of the file. A word can mean two things, so `paramsFiles` decide. */
  readonly params: Readonly<Record<string, unknown>>
  /** Params files as the step sees them. */
  readonly paramsFiles: Readonly<Record<string, Digest>>
  readonly env: Readonly<Record<string, string>>
  /** Of those that say where a step runs, the ones that it names. */
  readonly variables: Readonly<Record<string, string>>
  readonly secrets: readonly string[]
  readonly matrix: Readonly<Record<string, unknown>>
  readonly outs: readonly string[]
  /** Apart from `outs`: the entry holds the ones as content to place, the others as files to read. */
  readonly metrics: readonly string[]
  readonly reports: Readonly<Record<string, readonly string[]>>
  /** Folders that are there for these, and of which the step sees no file: a command can ask whether they are. */
  readonly outFolders: readonly string[]
  readonly platform: string
}

/** Another number for every change of what the parts are, or what stood in a part before is taken for a change of the user's. */
export const KEY_FORM = 2

export function stepKey(parts: KeyParts): Digest {
  return sha256(canonicalJson(parts))
}

const WORDS: Readonly<Record<Exclude<keyof KeyParts, 'form'>, string>> = {
  work: 'command changed',
  input: 'input',
  environment: 'build environment',
  deps: 'deps',
  params: 'params',
  paramsFiles: 'params',
  env: 'env',
  variables: 'variables',
  secrets: 'secrets changed',
  matrix: 'matrix changed',
  outs: 'outs changed',
  metrics: 'metrics changed',
  reports: 'reports changed',
  outFolders: 'folders of its outputs came or went with files that it does not see',
  platform: 'another operating system or architecture',
}

/**
 * Why parts have no cached outputs, by comparing them with those of recent outputs that differ least: with a
 * detour in between (a change that was taken back), the newest ones would name what nobody changed.
 */
export function explainMiss(now: KeyParts, recent: readonly KeyParts[]): string {
  const comparable = recent.filter(({ form }) => form === now.form)
  const [closest] = comparable.map((before) => differences(now, before)).toSorted((a, b) => a.changes - b.changes)
  if (closest === undefined) return recent.length === 0 ? 'first run of this step' : NEW_FORM
  return closest.reasons.length === 0 ? 'its outputs were cleaned up' : closest.reasons.join('; ')
}

const NEW_FORM = 'first run of this step since an update of Tidegate that looks closer at what may have changed'

function differences(now: KeyParts, before: KeyParts): { reasons: string[]; changes: number } {
  const reasons: string[] = []
  let changes = 0
  for (const name of Object.keys(WORDS) as (keyof typeof WORDS)[]) {
    if (isSame(now, before, name)) continue
    if (name === 'paramsFiles' && !isSame(now, before, 'params')) continue
    reasons.push(explainPart(name, now[name], before[name]))
    changes += isRecord(now[name]) && isRecord(before[name]) ? changedMembers(now[name], before[name]).length : 1
  }
  return { reasons, changes }
}

function isSame(now: KeyParts, before: KeyParts, name: keyof KeyParts): boolean {
  return canonicalJson(now[name]) === canonicalJson(before[name] ?? null)
}

function explainPart(name: keyof typeof WORDS, now: unknown, before: unknown): string {
  const word = WORDS[name]
  if (!isRecord(now) || !isRecord(before) || name === 'matrix' || name === 'reports') return word
  const changes = name === 'params' ? paramChanges(now, before) : memberChanges(now, before)
  const shown = changes.slice(0, 3).join(', ')
  return changes.length > 3 ? `${word}: ${shown} and ${changes.length - 3} more` : `${word}: ${shown}`
}

type Members = Readonly<Record<string, unknown>>

function memberChanges(now: Members, before: Members): string[] {
  return changedMembers(now, before).map((key) => {
    if (!(key in before)) return `${key} is new`
    return key in now ? `${key} changed` : `${key} is gone`
  })
}

/** Down to the value that was edited: people set these by hand, and know them by name. */
function paramChanges(now: Members, before: Members, above = ''): string[] {
  return changedMembers(now, before).flatMap((key) => {
    const [value, old] = [now[key], before[key]]
    if (isRecord(value) && isRecord(old)) return paramChanges(value, old, `${above}${key}.`)
    if (!(key in before)) return [`${above}${key} is new`]
    if (!(key in now)) return [`${above}${key} is gone`]
    return [isShort(value) && isShort(old) ? `${above}${key} ${old} → ${value}` : `${above}${key} changed`]
  })
}

function changedMembers(now: Members, before: Members): string[] {
  const keys = [...new Set([...Object.keys(now), ...Object.keys(before)])].sort()
  return keys.filter((key) => key in now !== key in before || canonicalJson(now[key]) !== canonicalJson(before[key]))
}

function isShort(value: unknown): value is string | number | boolean {
  return typeof value === 'number' || typeof value === 'boolean' || (typeof value === 'string' && value.length <= 30)
}
