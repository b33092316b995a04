import type { z } from 'zod'
import { sha256 } from '../lib/sha256.ts'
import { limit } from '../core/limits.ts'
import type { Problem } from '../core/problem.ts'
import { takeOutUnavailable } from './availability.ts'
import { certainPart, type CertainPart } from './certain-part.ts'
import { checkPipeline } from './check-pipeline.ts'
import { FOREIGN_NAMES } from './foreign-names.ts'
import { DEFAULT_BUILD } from './keys/build.ts'
import { namedDataset } from './keys/data.ts'
import { PipelineFile } from './keys/file.ts'
import { NO_NOTIFY } from './keys/notify.ts'
import { defined } from './keys/scalars.ts'
import { DEFAULT_TRIGGERS } from './keys/triggers.ts'
import { inOrder } from './in-order.ts'
import { becomesText } from './becomes-text.ts'
import { formatPath, type Path } from './path.ts'
import type { Pipeline } from './pipeline.ts'
import { knownKeys } from './schema.ts'
import { sameDatasets } from './same-datasets.ts'
import { shapeProblems } from './shape-problems.ts'
import { soundRest } from './sound-rest.ts'
import { unknownMetrics } from './unknown-metrics.ts'
import { readYaml, type YamlSource } from './yaml-source.ts'

export interface ParsedPipeline {
  /** Absent when there is an error. */
  readonly pipeline?: Pipeline
  readonly problems: readonly Problem[]
  /** Of a file with errors, where something in it is certain: `problemsOfRest` looks for what only a plan shows. */
  readonly certain?: CertainPart
}

/**
 * Reads a tidegate.yaml and names everything that is wrong with it at once. Never throws, whatever the
 * text. Names that need the commit or the server (files, people) are checked by `planRun`.
 */
export function parsePipeline(text: string, file = 'tidegate.yaml'): ParsedPipeline {
  const source = readYaml(text, file, becomesText)
  if (source.problems.length > 0 && source.value === undefined) return { problems: source.problems }
  if (source.value === null || source.value === undefined) {
    const message = 'the file is empty: write `steps: { train: { run: python train.py } }`'
    return { problems: [source.problemAt([], message)] }
  }
  const tooMany = tooManySteps(source)
  if (tooMany !== undefined) return { problems: [...source.problems, tooMany] }
  const unavailable = takeOutUnavailable(source)
  const problems = [...source.problems, ...unavailable]
  const shape = PipelineFile.safeParse(source.value, { reportInput: true })
  if (!shape.success) {
    const taken = new Set(unavailable.map(({ path }) => path))
    const unread = new Set(source.problems.map(({ path }) => path))
    // What could not be read as YAML is not missing.
    const issues = shape.error.issues.filter(
      ({ path, input }) => input !== undefined || !unread.has(formatPath(path as Path)),
    )
    const wrong = shapeProblems(issues, { yaml: source, knownKeys, foreignNames: FOREIGN_NAMES })
    problems.push(...wrong.filter(({ path }) => !taken.has(path)), ...unknownMetrics(source))
    return withRest(source, shape.error.issues, unavailable, problems)
  }
  const pipeline = normalise(shape.data)
  const wrongNames = namesOf(shape.data, pipeline, source)
  problems.push(...wrongNames)
  if (problems.length > 0) return broken(source, { pipeline, wrongNames, touched: touchedBy(unavailable) }, problems)
  SOURCES.set(pipeline, source)
  return { pipeline, problems: [] }
}

/** Names that lead nowhere are told together with keys that are not known. */
function withRest(
  source: YamlSource,
  issues: readonly z.core.$ZodIssue[],
  unavailable: readonly Problem[],
  problems: readonly Problem[],
): ParsedPipeline {
  const rest = soundRest(source.value, issues)
  const shape = rest === undefined ? undefined : PipelineFile.safeParse(rest.value)
  if (rest === undefined || shape?.success !== true) return { problems: inOrder(problems) }
  const pipeline = normalise(shape.data)
  const wrongNames = namesOf(shape.data, pipeline, source)
  const touched = new Set([...rest.touched, ...touchedBy(unavailable)])
  return broken(source, { pipeline, wrongNames, touched }, [...problems, ...wrongNames.filter(rest.stands)])
}

function namesOf(shape: Shape, pipeline: Pipeline, source: YamlSource): Problem[] {
  return [...missingApproval(shape, source), ...sameDatasets(source), ...checkPipeline(pipeline, source.problemAt)]
}

/** A build environment of another kind would be planned in another way; the other keys say nothing to a plan. */
function touchedBy(unavailable: readonly Problem[]): Set<string> {
  return new Set(unavailable.some(({ path }) => path.startsWith('build.')) ? ['build'] : [])
}

function broken(
  source: YamlSource,
  rest: Omit<Parameters<typeof certainPart>[0], 'value' | 'unread'>,
  problems: readonly Problem[],
): ParsedPipeline {
  const certain = certainPart({ ...rest, value: source.value, unread: source.problems })
  SOURCES.set(certain.pipeline, source)
  return { problems: inOrder(problems), certain }
}

/** Before anything is checked: a short text can hold tens of thousands. */
function tooManySteps({ value, problemAt }: YamlSource): Problem | undefined {
  const steps = typeof value === 'object' && value !== null && 'steps' in value ? value.steps : undefined
  const most = limit('planSteps')
  if (typeof steps !== 'object' || steps === null) return undefined
  const count = Object.keys(steps).length
  if (count <= most) return undefined
  const message = `here are ${count} steps, and a run may have ${most}: put commands that belong together into one step`
  return problemAt(['steps'], message, { at: 'key' })
}

/** Equal texts are the same pipeline. */
export function pipelineDigest(text: string): `sha256:${string}` {
  return sha256(text)
}

/** Where the parts of a pipeline stood in its text, for as long as the object lives. */
const SOURCES = new WeakMap<Pipeline, Pick<YamlSource, 'problemAt'>>()

/** Problems found later point into the text too; a pipeline that was stored and read again has line 1 only. */
export function problemPlaces(pipeline: Pipeline): YamlSource['problemAt'] {
  return (SOURCES.get(pipeline) ?? readYaml('', 'tidegate.yaml')).problemAt
}

type Shape = z.output<typeof PipelineFile>

function normalise(shape: Shape): Pipeline {
  const { name, deliver, concurrency, model, evaluation } = shape
  return {
    version: 1,
    ...defined({ name, deliver, concurrency, model, evaluation }),
    on: shape.on ?? DEFAULT_TRIGGERS,
    build: shape.build ?? DEFAULT_BUILD,
    data: Object.entries(shape.data).map(([path, source]) => namedDataset(path, source)),
    env: shape.env,
    steps: Object.entries(shape.steps).map(([name, step]) => ({ name, ...step })),
    gates: shape.gates,
    environments: Object.entries(shape.environments).map(([name, environment]) => ({
      ...environment,
      name,
      approval: environment.approval ?? 'none',
    })),
    notify: shape.notify ?? NO_NOTIFY,
  }
}

function missingApproval(shape: Shape, source: YamlSource): Problem[] {
  const last = Object.entries(shape.environments).at(-1)
  if (last === undefined || last[1].approval !== undefined) return []
  const message =
    'the last environment must say how it is approved: write `approval: { reviewers: [name] }`, or `approval: none` for continuous deployment'
  return [source.problemAt(['environments', last[0]], message, { at: 'key' })]
}
