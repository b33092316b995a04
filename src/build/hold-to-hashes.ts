import { AppError } from '../core/errors.ts'
import { normalise, type Requirement } from './requirement-files.ts'

const HASH = /--hash[=\s]([a-z0-9]+:[0-9a-f]+)/g

/**
 * Of a package whose requirement names hashes the lock keeps these alone: uv writes down whatever the index has
 * today. Fails with INVALID_INPUT where none is left: the index has another file than the one that was checked.
 */
export function holdToHashes(lock: string, requirements: readonly Requirement[]): string {
  const wanted = wantedHashes(requirements)
  if (wanted.size === 0) return lock
  return lock
    .split(/\n(?=\S)/)
    .map((block) => {
      const asked = wanted.get(normalise(/^[A-Za-z0-9._-]+/.exec(block)?.[0] ?? ''))
      return asked === undefined ? block : held(block, asked)
    })
    .join('\n')
}

interface Wanted {
  readonly hashes: Set<string>
  readonly first: Requirement
}

function wantedHashes(requirements: readonly Requirement[]): ReadonlyMap<string, Wanted> {
  const wanted = new Map<string, Wanted>()
  for (const requirement of requirements) {
    for (const [, hash = ''] of requirement.text.matchAll(HASH)) {
      const known = wanted.get(requirement.name) ?? { hashes: new Set(), first: requirement }
      wanted.set(requirement.name, { ...known, hashes: known.hashes.add(hash) })
    }
  }
  return wanted
}

function held(block: string, { hashes, first }: Wanted): string {
  const [line = ''] = block.split(/\s*\\?\n/)
  const found = Array.from(block.matchAll(HASH), ([, hash = '']) => hash)
  const comparable = found.some((hash) => [...hashes].some((other) => kindOf(other) === kindOf(hash)))
  // Of another kind than the index tells, they are compared with the file itself when it is installed.
  const kept = comparable ? found.filter((hash) => hashes.has(hash)) : [...hashes].toSorted()
  if (kept.length === 0) {
    throw new AppError(
      'INVALID_INPUT',
      `${first.file}:${first.line}: no file of ${line.trim()} that the index has is one of those whose hashes stand here. Find out why before you write other hashes down: the package was published anew, or somebody put another in its place.`,
    )
  }
  const end = block.endsWith('\n') ? '\n' : ''
  return `${[line.trim(), ...kept.map((hash) => `--hash=${hash}`)].join(' \\\n    ')}${end}`
}

function kindOf(hash: string): string {
  return hash.split(':')[0] ?? ''
}
