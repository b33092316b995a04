import { AppError } from '../core/errors.ts'
import { limit } from '../core/limits.ts'
import type { Plan, PlanStep } from '../core/plan.ts'
import type { CommandOrder, FolderInput, TaskOrder } from '../core/ports/executor.ts'
import type { Digest } from '../core/digest.ts'
import type { TreeFile } from '../core/tree.ts'
import type { StepContext } from './engine-options.ts'
import type { Kernel } from './kernel.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { paramsFiles, takeSubset } from './params-subset.ts'
import { byPath, mergeFiles, selectFiles, type PlacedOutput } from './select-inputs.ts'
import { trimSlash } from '../pipeline/connect-steps.ts'
import { isRecord } from '../lib/is-record.ts'
import { largeFolders } from './large-folders.ts'
import { hiddenOutFolders } from './out-folders.ts'
import { withMendedSource } from './mend-inputs.ts'
import { providedTo, SPLIT_FILE, variablesNamedIn } from './step-environment.ts'
import { stepsSeen } from './steps-seen.ts'
import { KEY_FORM, stepKey, type KeyParts } from './step-key.ts'

/** A step whose needs are met, with everything that decides its outputs. */
export interface PreparedStep {
  readonly context: StepContext
  readonly inputs: readonly TreeFile[]
  /** Of these, what need not be copied. */
  readonly folders: readonly FolderInput[]
  /** Without a file that the step sees: made empty by a step before, or of the commit, its outputs promised below. */
  readonly outFolders: readonly string[]
  readonly command: CommandOrder | TaskOrder
  readonly cache: CacheIdentity | undefined
  /** Why it has no cache identity. */
  readonly uncached: string | null
}

export interface CacheIdentity {
  readonly scope: string
  readonly key: Digest
  readonly parts: KeyParts
}

/**
 * Collects a step's inputs by digest and names them by one key. Reads only what has ended, so it can be
 * done again, after a restart too, and answers the same.
 */
export function prepareStep(kernel: Kernel, context: StepContext): Promise<PreparedStep> {
  return withMendedSource(kernel, context.run, () => prepare(kernel, context))
}

async function prepare(kernel: Kernel, context: StepContext): Promise<PreparedStep> {
  const { step } = context
  const { files, folders, outFolders, params, deps } = await collectInputs(kernel, context)
  const input = await taskInput(kernel, context, files)
  const uncached = whyUncached(step)
  return {
    context,
    inputs: files,
    folders,
    outFolders,
    command: commandOf(kernel, step, input),
    uncached,
    cache: uncached === null ? identify(kernel, context, { deps, params, outFolders, input }) : undefined,
  }
}

/** Why the cache is never asked about a step; null: it is. */
export function whyUncached(step: PlanStep): string | null {
  if (step.work.kind === 'command' && step.deps === undefined) return 'not cached: it declares no deps'
  if (step.cache) return null
  return step.work.kind === 'task' ? 'always runs' : 'not cached: `cache: false`'
}

interface Inputs {
  readonly files: readonly TreeFile[]
  readonly folders: readonly FolderInput[]
  readonly outFolders: readonly string[]
  readonly params: Pick<KeyParts, 'params' | 'paramsFiles'>
  /** Files that `deps` name: what the key holds of them. */
  readonly deps: Readonly<Record<string, Digest>>
}

async function collectInputs(kernel: Kernel, context: StepContext): Promise<Inputs> {
  const { step, run } = context
  const source = withoutHidden(await kernel.sourceFiles(run), context)
  const outputs = await outputsOfNeeds(kernel, context)
  const all = mergeFiles(source, outputs)
  const chosen = step.deps === undefined ? { files: [...all.values()], missing: [] } : selectFiles(all, step.deps)
  const empty = emptyFolders(step, outputs, all)
  const missing = chosen.missing.filter((dep) => !empty.includes(plainPath(dep)))
  if (step.work.kind === 'command' && missing.length > 0) throw missingDeps(missing)
  const files = new Map(chosen.files.map((file) => [file.path, file]))
  const params: Record<string, unknown> = {}
  const paramsSeen = new Map<string, Digest>()
  for (const wanted of paramsFiles(step.params)) {
    const whole = all.get(wanted.path)
    if (whole === undefined) throw missingDeps([wanted.path])
    if (whole.size > limit('pipelineFileBytes')) throw largeParams(whole)
    const text = new TextDecoder().decode(await kernel.options.readBytes(whole.digest))
    const subset = takeSubset(wanted, text)
    Object.assign(params, subset.values)
    const seen = wanted.keys === undefined ? whole : await storeSubset(kernel, whole, subset.text)
    paramsSeen.set(wanted.path, keyOfFile(seen))
    files.set(wanted.path, seen)
  }
  if (step.split !== undefined) files.set(SPLIT_FILE, await storeSplit(kernel, step.split))
  const sorted = [...files.values()].sort(byPath)
  const named = step.deps === undefined ? [] : sorted.filter((file) => !paramsSeen.has(file.path))
  const folders = largeFolders(step, sorted, outputs)
  const outFolders = [...empty, ...(step.deps === undefined ? [] : hiddenOutFolders(step, all, sorted))]
  return {
    files: sorted,
    folders,
    outFolders,
    params: { params, paramsFiles: Object.fromEntries(paramsSeen) },
    deps: Object.fromEntries(named.map((file) => [file.path, keyOfFile(file)])),
  }
}

/** The server reads it, between all else that it does. */
function largeParams({ path, size }: TreeFile): AppError {
  const most = limit('pipelineFileBytes')
  return new AppError(
    'INVALID_INPUT',
    `params: ${path} has ${size} bytes, and may have ${most}: name the whole file in \`deps\`.`,
  )
}

/** What a step may not see under its own name is not there for it under that path either, whoever left a file there. */
function withoutHidden(files: readonly TreeFile[], { plan, step }: StepContext): readonly TreeFile[] {
  const hidden = plan.steps.flatMap((other) => (isMeantFor(other, step) ? [] : other.outs)).map(trimSlash)
  if (hidden.length === 0) return files
  return files.filter(({ path }) => !hidden.some((out) => path === out || path.startsWith(`${out}/`)))
}

function isMeantFor({ audience }: PlanStep, { key }: PlanStep): boolean {
  return audience === undefined || audience.includes(key)
}

/** A folder that a step made and left empty is there for who reads it; a tree of files does not know it. */
function emptyFolders(
  { deps }: PlanStep,
  outputs: readonly PlacedOutput[],
  all: ReadonlyMap<string, TreeFile>,
): string[] {
  const wanted = deps?.map(plainPath)
  const empty = outputs.filter(({ ref, files }) => ref.kind === 'tree' && files.length === 0)
  const paths = new Set(empty.map(({ path }) => plainPath(path)))
  return [...paths].filter((path) => !all.has(path) && (wanted === undefined || wanted.includes(path)))
}

function plainPath(path: string): string {
  return trimSlash(path.replace(/^\.\//, ''))
}

/** A file that became executable, or a link, is another dep. */
function keyOfFile(file: TreeFile): Digest {
  const mark = `${file.executable ? '+x' : ''}${file.symlink === true ? '@' : ''}`
  return mark === '' ? file.digest : `${file.digest}${mark}`
}

/** One path a line, and an end of line after the last, as programs expect. */
async function storeSplit(kernel: Kernel, tests: readonly string[]): Promise<TreeFile> {
  const { digest, size } = await kernel.options.putBytes(tests.map((path) => `${path}\n`).join(''))
  return { path: SPLIT_FILE, digest, size, executable: false }
}

async function storeSubset(kernel: Kernel, whole: TreeFile, text: string): Promise<TreeFile> {
  const { digest, size } = await kernel.options.putBytes(text)
  return { path: whole.path, digest, size, executable: false }
}

function missingDeps(missing: readonly string[]): AppError {
  const names = missing.map((path) => `\`${path}\``).join(', ')
  const verb = missing.length === 1 ? 'is' : 'are'
  return new AppError(
    'INVALID_INPUT',
    `${names} ${verb} neither in the commit nor written by a step before. Add ${missing.length === 1 ? 'it' : 'them'}, or correct \`deps\` or \`params\`.`,
  )
}

/** The scheduler asks of each step of a plan, and that may have thousands. */
const byPlan = new WeakMap<Plan, ReadonlyMap<string, PlanStep>>()

function stepsByKey(plan: Plan): ReadonlyMap<string, PlanStep> {
  const steps = byPlan.get(plan) ?? new Map(plan.steps.map((step) => [step.key, step]))
  byPlan.set(plan, steps)
  return steps
}

/** In the plan's order: where two write the same path, the later step's is what counts. */
async function outputsOfNeeds(kernel: Kernel, context: StepContext): Promise<PlacedOutput[]> {
  const needed = stepsSeen(stepsByKey(context.plan), context.step)
  const placed: PlacedOutput[] = []
  for (const step of context.plan.steps) {
    if (!needed.has(step.key) || !isMeantFor(step, context.step)) continue
    for (const [path, ref] of Object.entries(context.outputs.get(step.key)?.outs ?? {})) {
      placed.push({ path, ref, files: ref.kind === 'tree' ? await kernel.filesOf(ref) : [] })
    }
  }
  return placed
}

async function taskInput(kernel: Kernel, context: StepContext, inputs: readonly TreeFile[]): Promise<unknown> {
  const { work } = context.step
  if (work.kind === 'command') return undefined
  const binding = kernel.options.tasks[work.task]
  if (binding === undefined) {
    throw new AppError('NOT_AVAILABLE_YET', `${context.step.key} needs the task ${work.task}, which this server lacks.`)
  }
  return binding.prepare === undefined ? work.input : binding.prepare({ ...context, inputs })
}

function commandOf(kernel: Kernel, step: PlanStep, input: unknown): CommandOrder | TaskOrder {
  const { work } = step
  if (work.kind === 'command') return { kind: 'command', run: work.run }
  return { kind: 'task', task: work.task, dataFolder: kernel.options.taskFolder ?? kernel.options.dataFolder, input }
}

function identify(
  kernel: Kernel,
  context: StepContext,
  found: Pick<Inputs, 'deps' | 'params' | 'outFolders'> & { readonly input: unknown },
): CacheIdentity {
  const { step, run } = context
  const { work } = step
  const secrets = work.kind === 'command' ? work.secrets : []
  const texts = work.kind === 'command' ? [work.run, servicesText(step), ...Object.values(work.env)] : []
  const parts: KeyParts = {
    form: KEY_FORM,
    work:
      work.kind === 'command'
        ? work.run + servicesText(step)
        : `${work.task} ${kernel.options.tasks[work.task]?.version ?? 0}`,
    input: isRecord(found.input) ? found.input : { input: found.input ?? null },
    environment: Object.fromEntries(step.uses.map((key) => [key, environmentKey(context, key)])),
    deps: found.deps,
    ...found.params,
    env: work.kind === 'command' ? work.env : {},
    variables: variablesNamedIn(texts, run, step),
    secrets: [...secrets].sort(),
    matrix: step.matrix ?? {},
    outs: step.outs.toSorted(),
    metrics: step.metrics.toSorted(),
    reports: Object.fromEntries(Object.entries(step.reports).map(([kind, paths]) => [kind, paths.toSorted()])),
    outFolders: found.outFolders,
    platform: `${process.platform}-${process.arch}`,
  }
  return { scope: secrets.length > 0 ? run.project : '*', key: stepKey(parts), parts }
}

function servicesText({ services }: PlanStep): string {
  return services === undefined ? '' : `\n${canonicalJson(services)}`
}

function environmentKey(context: StepContext, key: string): string {
  return providedTo({ step: { ...context.step, uses: [key] }, outputs: context.outputs })[0]?.cacheKey ?? ''
}
