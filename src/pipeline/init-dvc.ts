import { posix } from 'node:path'
import { withScripts } from './check-scripts.ts'
import { isParamsFile, paramsFile } from './connect-steps.ts'
import { dvcValues, fillDvc, namesInDvc, type DvcScope } from './dvc-values.ts'
import { isRecord } from '../lib/is-record.ts'
import { sketchMatrix, type SketchedMatrix } from './dvc-matrix.ts'
import { FilePath, NAME } from './keys/scalars.ts'
import type { SketchedStep } from './init-text.ts'
import { TASK_KEYS } from './task-keys.ts'
import { readYaml } from './yaml-source.ts'

export interface ImportedSteps {
  readonly steps: readonly SketchedStep[]
  readonly notes: readonly string[]
}

/** The stages of a dvc.yaml as steps; what cannot be said here is a note. Undefined where it has no stages. */
export function importedDvcSteps(
  files: readonly string[],
  readText: (path: string) => string | undefined,
): ImportedSteps | undefined {
  const file = readYaml(readText('dvc.yaml') ?? '', 'dvc.yaml').value
  const stages = isRecord(file) ? file['stages'] : undefined
  if (!isRecord(file) || !isRecord(stages) || Object.keys(stages).length === 0) return undefined
  const notes: string[] = []
  const values = dvcValues(file['vars'], readText)
  const written = new Set<string>()
  const steps = Object.entries(stages).flatMap(([name, stage]) => {
    try {
      return stepOf(name, stage, { values, files, notes, written })
    } catch (error) {
      if (!(error instanceof NotImported)) throw error
      notes.push(`Stage ${name} of dvc.yaml was left out: ${error.message}. Write it as a step yourself.`)
      return []
    }
  })
  if (written.size > 0) {
    const names = [...written].map((name) => `\${${name}}`).join(', ')
    notes.push(
      `${names} of dvc.yaml: the value of today was written into the steps. Let the script read its params file instead.`,
    )
  }
  return { steps, notes }
}

class NotImported extends Error {}

interface Importing {
  readonly values: DvcScope
  readonly files: readonly string[]
  readonly notes: string[]
  /** Names whose values were written into the steps. */
  readonly written: Set<string>
}

const KNOWN = new Set(
  'cmd wdir deps outs params metrics plots frozen always_changed desc meta vars foreach do matrix'.split(' '),
)

function stepOf(name: string, written: unknown, importing: Importing): SketchedStep[] {
  if (!isRecord(written)) throw new NotImported('it is no mapping')
  const { stage, matrix } = expansion(written, importing.values)
  const strange = Object.keys(stage).find((key) => !KNOWN.has(key))
  if (strange !== undefined) throw new NotImported(`\`${strange}\` is not known here`)
  const fill = (text: string) => {
    const filled = fillDvc(text, importing.values, matrix)
    for (const given of namesInDvc(text)) if (matrix?.expression(given) === undefined) importing.written.add(given)
    if (filled === undefined) throw new NotImported(`the value of \`${text.trim().slice(0, 60)}\` is not known`)
    return filled
  }
  const folder = stage['wdir'] === undefined ? '' : inside(fill(text(stage['wdir'], 'wdir')), '')
  const paths = (key: string) => pathsOf(stage[key], key).map((path) => inside(fill(path), folder))
  const outs = [...paths('outs'), ...paths('plots')]
  const metrics = paths('metrics')
  if (stage['frozen'] === true && isKept(name, { made: [...outs, ...metrics], reads: paths('deps') }, importing))
    return []
  const run = commandOf(stage['cmd'], fill, folder)
  const params = paramsOf(stage['params'], fill, folder)
  // Of files in other formats nothing is taken here: they are read whole.
  const others = params.map(paramsFile).filter((file) => !isParamsFile(file))
  const deps = [...new Set([...paths('deps'), ...others])]
  return [
    {
      name: ownStepName(name, importing.notes),
      run,
      ...(deps.length === 0 ? {} : { deps: withScripts(deps, run, importing.files) }),
      params: params.filter((param) => isParamsFile(paramsFile(param))),
      outs: [...new Set(outs)],
      metrics,
      ...(matrix === undefined ? {} : { matrix: matrix.text }),
      // DVC runs a stage without deps every time, too.
      ...(stage['always_changed'] === true || deps.length === 0 ? { cache: false as const } : {}),
    },
  ]
}

/** `foreach` and `matrix` make many stages of one. */
function expansion(
  written: Record<string, unknown>,
  values: DvcScope,
): { stage: Record<string, unknown>; matrix?: SketchedMatrix } {
  const { foreach, do: body, matrix, ...plain } = written
  if (foreach === undefined && matrix === undefined) return { stage: plain }
  const sketched = sketchMatrix({ foreach, matrix }, values)
  if (sketched === undefined) throw new NotImported('its `foreach` or `matrix` holds more than plain values')
  const stage = foreach === undefined ? plain : body
  if (!isRecord(stage)) throw new NotImported('it has a `foreach` without a `do`')
  return { stage, matrix: sketched }
}

/** Never run again in DVC: where git has what it made, it is not needed here. */
function isKept(
  name: string,
  { made, reads }: { readonly made: readonly string[]; readonly reads: readonly string[] },
  { files, notes }: Importing,
): boolean {
  const kept = made.every((out) => files.some((file) => file === out || file.startsWith(`${out}/`)))
  notes.push(
    kept
      ? `Stage ${name} is frozen in dvc.yaml and what it made is in git: it was left out.`
      : `Stage ${name} is frozen in dvc.yaml: here it runs ${reads.length === 0 ? 'every time, as it names nothing that it reads' : 'once, and again when something it reads changes'}.`,
  )
  return kept
}

/** A name of theirs as a step's; our own steps have names too. */
export function ownStepName(name: string, notes: string[]): string {
  if (NAME.test(name) && !Object.hasOwn(TASK_KEYS, name)) return name
  const other = `${name.replaceAll(/[^A-Za-z0-9_-]+/g, '-').slice(0, 50)}-step`.replace(/^[^A-Za-z0-9]+/, '')
  notes.push(`${name} is called ${other} here: to Tidegate the name means something else.`)
  return other
}

/** Each entry of a list is a line: `sh -e` stops at the first that fails, as DVC does. */
function commandOf(cmd: unknown, fill: (text: string) => string, folder: string): string {
  const lines = Array.isArray(cmd) ? cmd.map((line) => text(line, 'cmd')) : [text(cmd, 'cmd')]
  const run = lines.map((line) => fill(line.trim()))
  return [...(folder === '' || folder === '.' ? [] : [`cd ${folder}`]), ...run].join('\n')
}

/** `path`, or `path: { cache: false }`. */
function pathsOf(value: unknown, key: string): string[] {
  if (value === undefined || value === null) return []
  const entries = Array.isArray(value) ? (value as unknown[]) : [value]
  return entries.flatMap((entry) => (isRecord(entry) ? Object.keys(entry) : [text(entry, key)]))
}

/** `train.lr` is of params.yaml; `other.yaml: [a, b]` names its file, and `other.yaml:` the whole of it. */
function paramsOf(value: unknown, fill: (text: string) => string, folder: string): string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new NotImported('its `params` are no list')
  return (value as unknown[]).flatMap((entry) => {
    if (!isRecord(entry)) return [`${inside('params.yaml', folder)}:${fill(text(entry, 'params'))}`]
    return Object.entries(entry).flatMap(([file, keys]) => {
      const path = inside(fill(file), folder)
      if (keys === null || (Array.isArray(keys) && keys.length === 0)) return [path]
      if (!Array.isArray(keys)) throw new NotImported('its `params` have another form')
      return keys.map((key) => `${path}:${fill(String(key))}`)
    })
  })
}

function inside(path: string, folder: string): string {
  if (path.includes('://') || path.startsWith('/')) throw new NotImported(`${path} is outside the repository`)
  const joined = posix.normalize(posix.join(folder, path))
  if (!FilePath.safeParse(joined).success) throw new NotImported(`${path} is outside the repository`)
  return joined
}

function text(value: unknown, key: string): string {
  if (typeof value === 'string' && value !== '') return value
  if (typeof value === 'number') return String(value)
  throw new NotImported(value === undefined ? `it has no \`${key}\`` : `its \`${key}\` has another form`)
}
