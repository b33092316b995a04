import type { PlanStep, TaskName } from '../core/plan.ts'
import type { Problem } from '../core/problem.ts'
import { outcomePlaces } from './asked-outcomes.ts'
import type { ProblemAt } from './check-pipeline.ts'
import { isParamsFile, paramsFile, readerOf, trimSlash } from './connect-steps.ts'
import { wrongParam } from './check-params.ts'
import type { Draft } from './draft.ts'
import { globPattern, isGlob, type GlobPattern } from './glob.ts'
import type { Path } from './path.ts'
import type { Pipeline } from './pipeline.ts'
import type { PlanContext } from './plan-context.ts'
import { knownNames, nearestWord, type KnownNames } from './suggestion.ts'

/** Equal outs, and outs inside other outs: nobody could say which one a step reads. */
export function checkOuts(drafts: readonly Draft[], problemAt: ProblemAt): Problem[] {
  const problems: Problem[] = []
  const makers = new Map<string, Draft>()
  for (const draft of drafts) {
    // What a query writes is the dataset of its own path.
    if (draft.ours && draft.step.audience !== undefined && draft.step.work.kind === 'command') continue
    for (const { out, path } of madeBy(draft)) {
      const other = makers.get(out)
      if (other === undefined) makers.set(out, draft)
      else if (!isOwnMetric(out, draft, other)) problems.push(problemAt(path, sameOut(out, draft, other)))
    }
  }
  for (const [out, draft] of makers) {
    const around = parentsOf(out).find((parent) => makers.has(parent))
    const other = around === undefined ? undefined : makers.get(around)
    if (other === undefined || other === draft) continue
    problems.push(problemAt([...draft.path, 'outs'], `"${out}" is inside "${around}", which ${other.step.key} makes`))
  }
  return problems
}

/** Metrics that another step reads are outs as well: they stand in the file under their own key. */
function madeBy({ ours, path, step }: Draft): { out: string; path: Path }[] {
  const metrics = step.metrics.map((file, index) => ({ out: trimSlash(file), path: [...path, 'metrics', index] }))
  const outs = step.outs.flatMap((file, index) => {
    const out = trimSlash(file)
    if (metrics.some((metric) => metric.out === out)) return []
    return [{ out, path: ours ? path : [...path, 'outs', index] }]
  })
  return [...outs, ...metrics]
}

/** Each member of a matrix has metrics of its own, and nobody reads the files. */
function isOwnMetric(out: string, draft: Draft, other: Draft): boolean {
  return draft !== other && draft.name === other.name && !draft.step.outs.some((file) => trimSlash(file) === out)
}

function sameOut(out: string, draft: Draft, other: Draft): string {
  if (draft === other) return `"${out}" stands here twice`
  if (draft.name !== other.name) return `"${out}" is already made by ${other.step.key}: an out has one step`
  return `every member of the matrix makes "${out}": put \${{ matrix.… }} into the path`
}

function parentsOf(path: string): string[] {
  const parts = path.split('/')
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'))
}

/** Deps, params and files named elsewhere that are neither in the commit nor made by a step. */
export function checkInputs(
  pipeline: Pipeline,
  drafts: readonly Draft[],
  context: PlanContext,
  problemAt: ProblemAt,
): Problem[] {
  const known = new KnownPaths(context, drafts)
  const problems: Problem[] = []
  for (const draft of drafts) {
    // A build environment's files have a check of their own; a query's stand at the query.
    if (draft.step.work.kind === 'task' && CHECKED_ELSEWHERE.has(draft.step.work.task)) continue
    const deps = (draft.step.deps ?? []).map((dep, index) => ({ dep, path: draft.depPaths[index] ?? draft.path }))
    for (const [index, param] of draft.step.params.entries()) {
      const [dep, path] = [paramsFile(param), [...draft.path, 'params', index]]
      const wrong = wrongParam(param, context.params ?? {})
      if (wrong === undefined) deps.push({ dep, path })
      else if (!known.isMade(dep)) problems.push(problemAt(path, wrong))
    }
    for (const { dep, path } of deps) {
      const problem = known.problem(dep, draft, path, problemAt)
      if (problem !== undefined) problems.push(problem)
    }
    problems.push(...otherParams(draft, known, problemAt))
  }
  for (const { name, acceptance } of pipeline.environments) {
    const cases = acceptance?.cases
    if (cases === undefined || context.files.includes(cases)) continue
    const message = `there is no file "${cases}" in the commit${hint(cases, context.files)}`
    problems.push(problemAt(['environments', name, 'acceptance', 'cases'], message))
  }
  return problems
}

/** Files that are there, and from which nothing can be taken. */
function otherParams(draft: Draft, known: KnownPaths, problemAt: ProblemAt): Problem[] {
  return draft.step.params.flatMap((param, index) => {
    const file = paramsFile(param)
    const path = [...draft.path, 'params', index]
    if (file === '') return [problemAt(path, `"${param}" names no file: write "params.yaml${param}"`)]
    if (isParamsFile(file) || known.problem(file, draft, path, problemAt) !== undefined) return []
    return [problemAt(path, `${file} is neither YAML nor JSON: name the whole file in \`deps\``)]
  })
}

const CHECKED_ELSEWHERE: ReadonlySet<TaskName> = new Set(['build-environment', 'freeze-dataset'])

class KnownPaths {
  readonly #files: readonly string[]
  readonly #paths = new Set<string>()
  readonly #drafts: readonly Draft[]
  readonly #perhaps: PerhapsMade
  readonly #isLeftOut: (path: string) => boolean
  #names: KnownNames | undefined

  constructor({ files, perhapsMade = [], isLeftOut = () => false }: PlanContext, drafts: readonly Draft[]) {
    this.#files = files
    this.#drafts = drafts
    this.#isLeftOut = isLeftOut
    this.#perhaps = new PerhapsMade(perhapsMade)
    for (const file of files) {
      this.#paths.add(file)
      for (const parent of parentsOf(file)) this.#paths.add(parent)
    }
  }

  /** Perhaps: by a step. */
  isMade(path: string): boolean {
    return this.#perhaps.has(path) || this.#drafts.some(({ step }) => step.outs.some(readerOf(path)))
  }

  problem(dep: string, draft: Draft, path: Path, problemAt: ProblemAt): Problem | undefined {
    if (this.#perhaps.has(dep)) return undefined
    const reads = readerOf(dep)
    if (this.#drafts.some((other) => other !== draft && other.step.outs.some(reads))) return undefined
    if (isGlob(dep)) {
      const pattern = globPattern(dep)
      if (dep === '**' || this.#files.some((file) => pattern.test(file))) return undefined
      const message = `"${dep}" matches no file of the commit${this.#hintAtOuts(pattern)}`
      return { ...problemAt(path, message), severity: 'warning' }
    }
    const plain = trimSlash(dep)
    if (dep !== plain && this.#files.includes(plain)) {
      const advice = `write "${plain}", and name what a link leads to`
      return problemAt(path, `"${dep}" is no folder of the commit, but a file or a link: ${advice}`)
    }
    if (plain === '' || plain === '.' || this.#paths.has(plain)) return undefined
    if (draft.step.outs.some((out) => trimSlash(out) === plain))
      return problemAt(path, `"${dep}" is an out of the step itself`)
    if (this.#isLeftOut(plain)) {
      const message = `"${dep}" is there, but git would not commit it: it is ignored, empty or another repository’s. Name it in \`data\`, or take it out of .gitignore`
      return problemAt(path, message)
    }
    this.#names ??= knownNames([...this.#drafts.flatMap((other) => other.step.outs), ...this.#paths])
    return problemAt(path, `"${dep}" is neither in the commit nor an out of a step${this.#names.hint(plain)}`)
  }

  #hintAtOuts(pattern: GlobPattern): string {
    const outs = new Set(this.#drafts.flatMap(({ step }) => step.outs).filter((out) => pattern.test(out)))
    if (outs.size === 0) return ''
    return `, and of outs a pattern reads only those in the folder that it begins with: name ${[...outs].slice(0, 5).join(', ')}`
  }
}

/** Paths of which it is not certain that no step makes them. */
class PerhapsMade {
  readonly #paths: ReadonlySet<string>
  readonly #around: ReadonlySet<string>

  constructor(paths: readonly string[]) {
    this.#paths = new Set(paths.map(trimSlash))
    this.#around = new Set(paths.flatMap(parentsOf))
  }

  has(dep: string): boolean {
    if (this.#paths.size === 0) return false
    const path = trimSlash(dep)
    const inside = [path, ...parentsOf(path)].some((each) => this.#paths.has(each))
    return inside || isGlob(dep) || this.#paths.has('') || this.#around.has(path)
  }
}

/** An outcome is known when the step has ended: `if` asks only for those that its step waits for. */
export function checkOutcomes(
  { steps: written }: Pipeline,
  { steps, drafts }: { readonly steps: readonly PlanStep[]; readonly drafts: readonly Draft[] },
  problemAt: ProblemAt,
): Problem[] {
  const byKey = new Map(steps.map((step) => [step.key, step]))
  const nameOf = new Map(drafts.map((draft) => [draft.step.key, draft.name]))
  return written.flatMap(({ name, if: text = '' }) => {
    const asked = Map.groupBy(outcomePlaces(text), ({ step }) => step)
    const draft = drafts.find((one) => one.name === name)
    if (asked.size === 0 || draft === undefined) return []
    const behind = stepsBehind(draft.step.key, byKey, nameOf)
    return [...asked]
      .filter(([step]) => !behind.has(step))
      .map(([step, [place]]) => {
        const message = `the outcome of ${step} is not known here: this step does not wait for it. Add it to \`needs\``
        return problemAt([...draft.path, 'if'], message, { inside: { text, at: place?.at ?? 0 } })
      })
  })
}

/** Names of all steps that this one waits for, however indirectly: who asks for the outcome of one waits for its end. */
function stepsBehind(
  key: string,
  byKey: ReadonlyMap<string, PlanStep>,
  nameOf: ReadonlyMap<string, string>,
): Set<string> {
  const keys = new Set([key])
  for (const each of keys) for (const need of byKey.get(each)?.needs ?? []) keys.add(need.step)
  keys.delete(key)
  return new Set([...keys].map((each) => nameOf.get(each) ?? each))
}

function hint(word: string, others: Iterable<string>): string {
  const near = nearestWord(word, others)
  return near === undefined ? '' : `: did you mean "${near}"?`
}

/** Everybody the file names must be somebody. */
export function checkPeople(pipeline: Pipeline, people: PlanContext['people'], problemAt: ProblemAt): Problem[] {
  if (people === undefined) return []
  const owners = pipeline.data.flatMap(({ path, owners: names = [] }) =>
    names.map((who, index) => ({ who, path: ['data', path, 'owners', index] })),
  )
  const others: { who: string; path: Path }[] = pipeline.environments.flatMap(({ name, approval, acceptance }) => [
    ...(approval === 'none' ? [] : approval.reviewers).map((who, index) => ({
      who,
      path: ['environments', name, 'approval', 'reviewers', index],
    })),
    ...(acceptance?.testers ?? []).map((who, index) => ({
      who,
      path: ['environments', name, 'acceptance', 'testers', index],
    })),
  ])
  return [...owners, ...others].flatMap(({ who, path }) => {
    const isGroup = who.startsWith('group:')
    const name = who.replace(/^group:/, '')
    const known = isGroup ? people.groups : people.persons
    if (known.includes(name)) return []
    return [problemAt(path, `there is no ${isGroup ? 'group' : 'person'} "${name}"${whoElse(name, isGroup, people)}`)]
  })
}

function whoElse(name: string, isGroup: boolean, people: NonNullable<PlanContext['people']>): string {
  if (!isGroup && people.groups.includes(name)) return `: write "group:${name}"`
  const near = hint(name, isGroup ? people.groups : people.persons)
  if (near !== '') return near
  return isGroup ? '' : `: an administrator adds people with \`tidegate person add ${name}\``
}
