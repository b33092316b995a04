import type { CheckSpec } from '../../pipeline/checks.ts'
import type { GateVerdict } from '../decide-gate.ts'
import { refusals, type Refusal } from '../pickles/judge-names.ts'
import { MOST_PICKLE_BYTES, scanFile, type FoundPickle } from '../pickles/scan-file.ts'
import { bundleFiles } from './bundle-files.ts'
import type { CheckPlace } from './check-place.ts'

const SHOWN = 50

/** Looks into every file of the bundle, whatever its name, and loads none. */
export async function checkPickles(
  { allow }: Extract<CheckSpec, { kind: 'unsafe-pickle' }>,
  place: CheckPlace,
): Promise<GateVerdict> {
  const files = await bundleFiles(place)
  const found: FoundPickle[] = []
  for (const { path, digest, size } of files) {
    place.context.signal.throwIfAborted()
    if (size > MOST_PICKLE_BYTES) {
      found.push({
        place: path,
        names: [],
        oddities: [],
        trouble: `it has ${size} bytes, and at most ${MOST_PICKLE_BYTES} are looked into`,
      })
    } else {
      found.push(...scanFile(await place.context.artifacts.read(digest), path))
    }
  }
  const refused = refusals(found, allow)
  const names = [...new Set(found.flatMap(({ names: own }) => own.map(({ name }) => name ?? '?')))]
  const evidence = {
    allow,
    files: files.length,
    pickles: found.slice(0, SHOWN).map(({ place: where }) => where),
    names: names.slice(0, 200),
    refused: refused.slice(0, SHOWN),
  }
  if (refused.length > 0) return { outcome: 'fail', summary: tell(refused), evidence }
  const summary =
    found.length === 0
      ? `no pickle among the ${files.length} files of the bundle`
      : `${found.length} ${found.length === 1 ? 'pickle names' : 'pickles name'} nothing but what is allowed (${allow.join(', ') || 'plain values'})`
  return { outcome: 'pass', summary, evidence }
}

function tell(refused: readonly Refusal[]): string {
  const first = refused.slice(0, 3).map(({ place, name, opcode, position, why }) => {
    const where = opcode === '' ? '' : ` (${opcode} at byte ${position})`
    return `${place}: ${name}${where}: ${why}`
  })
  return `${first.join('; ')}${refused.length > 3 ? ` and ${refused.length - 3} more` : ''}`
}
