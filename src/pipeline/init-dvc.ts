import { FilePath, NAME } from './keys/scalars.ts'
import type { SketchedStep } from './init-text.ts'
import { TASK_KEYS } from './task-keys.ts'
import { readYaml } from './yaml-source.ts'

/** The stages of a dvc.yaml as steps; undefined where it uses more than plain stages. */
export function importedDvcSteps(text: string): SketchedStep[] | undefined {
  const file = readYaml(text, 'dvc.yaml').value
  const stages = isRecord(file) ? file['stages'] : undefined
  if (!isRecord(stages)) return undefined
  const steps = Object.entries(stages).map(([name, stage]) => stepOf(name, stage))
  return steps.length > 0 && steps.every((step) => step !== undefined) ? steps : undefined
}

function stepOf(name: string, stage: unknown): SketchedStep | undefined {
  if (!isRecord(stage) || !NAME.test(name) || Object.hasOwn(TASK_KEYS, name)) return undefined
  const { cmd } = stage
  const known = ['cmd', 'deps', 'outs', 'params', 'metrics', 'desc', 'plots']
  if (typeof cmd !== 'string' || cmd.includes('${') || Object.keys(stage).some((key) => !known.includes(key)))
    return undefined
  const deps = pathsOf(stage['deps'])
  const outs = [pathsOf(stage['outs']), pathsOf(stage['plots'])]
  const metrics = pathsOf(stage['metrics'])
  const params = paramsOf(stage['params'])
  if (deps === undefined || metrics === undefined || params === undefined || outs.includes(undefined)) return undefined
  return { name, run: cmd.trim(), deps, params, outs: outs.flatMap((paths) => paths ?? []), metrics }
}

/** `path`, or `path: { cache: false }`. */
function pathsOf(value: unknown): string[] | undefined {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) return undefined
  const paths = value.map((entry: unknown) => (isRecord(entry) ? Object.keys(entry)[0] : entry))
  return paths.every((path) => typeof path === 'string' && !path.includes('${') && FilePath.safeParse(path).success)
    ? (paths as string[])
    : undefined
}

/** `train.lr` is of params.yaml; `other.yaml: [a, b]` names its file. */
function paramsOf(value: unknown): string[] | undefined {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) return undefined
  const params: string[] = []
  for (const entry of value as unknown[]) {
    if (typeof entry === 'string') params.push(`params.yaml:${entry}`)
    else if (isRecord(entry)) {
      for (const [file, keys] of Object.entries(entry)) {
        if (keys === null) params.push(file)
        else if (Array.isArray(keys)) params.push(...keys.map((key) => `${file}:${String(key)}`))
        else return undefined
      }
    } else return undefined
  }
  return params
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
