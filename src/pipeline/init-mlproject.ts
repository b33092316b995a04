import { isReservedVariable } from '../core/secret-name.ts'
import { ownStepName, type ImportedSteps } from './init-dvc.ts'
import type { SketchedStep } from './init-text.ts'
import { isRecord } from '../lib/is-record.ts'
import { readYaml } from './yaml-source.ts'

/**
 * Entry points of an MLproject as steps: `main` where there is one, else all. Parameters become variables with
 * their defaults, so that a change of one is a change of the step.
 */
export function importedMlprojectSteps(
  readText: (path: string) => string | undefined,
  readBy: (script: string) => string[],
): ImportedSteps | undefined {
  const file = readYaml(readText('MLproject') ?? '', 'MLproject').value
  if (!isRecord(file)) return undefined
  const notes = environmentNotes(file)
  const entries = isRecord(file['entry_points']) ? Object.entries(file['entry_points']) : []
  const chosen = entries.filter(([name]) => name === 'main' || !entries.some(([other]) => other === 'main'))
  const steps = chosen.flatMap(([name, entry]) => stepOf(name, entry, notes, readBy))
  if (steps.length === 0) return undefined
  const others = entries.map(([name]) => name).filter((name) => !chosen.some(([own]) => own === name))
  if (others.length > 0)
    notes.push(`MLproject has further entry points (${others.join(', ')}): add a step for each you need.`)
  return { steps, notes }
}

function stepOf(name: string, entry: unknown, notes: string[], readBy: (script: string) => string[]): SketchedStep[] {
  const command = isRecord(entry) ? entry['command'] : undefined
  if (!isRecord(entry) || typeof command !== 'string') return []
  const parameters = isRecord(entry['parameters']) ? entry['parameters'] : {}
  const env: Record<string, string> = {}
  const run = command.trim().replaceAll(/(["']?)\{(\w+)\}\1/g, (whole, _quote: string, parameter: string) => {
    if (!Object.hasOwn(parameters, parameter)) return whole
    const variable = variableOf(parameter)
    const value = defaultOf(parameters[parameter])
    if (value === undefined)
      notes.push(`Parameter ${parameter} of ${name} has no default: fill in ${variable} in \`env\`.`)
    env[variable] = value ?? ''
    return `"$${variable}"`
  })
  const scripts = run.match(/[\w./-]+\.py/g) ?? []
  const deps = [...new Set(scripts.flatMap(readBy))]
  return [
    {
      name: name === 'main' ? 'train' : ownStepName(name, notes),
      run,
      ...(Object.keys(env).length === 0 ? {} : { env }),
      ...(deps.length === 0 ? { cache: false as const } : { deps }),
    },
  ]
}

/** A parameter called `path` must not become the PATH by which programs are found. */
function variableOf(parameter: string): string {
  const name = parameter.toUpperCase()
  return isReservedVariable(name) || !/^[A-Z_]/.test(name) || SYSTEMS_OWN.has(name) ? `PARAM_${name}` : name
}

const SYSTEMS_OWN = new Set(['ENV', 'IFS', 'LANG', 'PWD', 'PYTHONHOME', 'PYTHONPATH', 'SHELL', 'USER'])

/** `{ type: float, default: 0.1 }`, or the type alone. */
function defaultOf(parameter: unknown): string | undefined {
  const value = isRecord(parameter) ? parameter['default'] : undefined
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined
}

function environmentNotes(file: Record<string, unknown>): string[] {
  const conda = file['conda_env']
  const notes = ['The steps are those of MLproject; its parameters stand in `env`.']
  if (typeof conda === 'string')
    notes.push(
      `Packages of ${conda} are not read: list those from pip in requirements.txt, or name the interpreter in \`build.interpreter\`.`,
    )
  const python = file['python_env']
  if (typeof python === 'string')
    notes.push(
      `${python} is not read: its packages belong in requirements.txt, its version of Python in \`build.python\`.`,
    )
  if (isRecord(file['docker_env']))
    notes.push('The image of docker_env is not used: steps run on this machine, in the environment of `build`.')
  return notes
}
