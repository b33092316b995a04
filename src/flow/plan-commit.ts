import type { Problem } from '../core/problem.ts'
import { peopleByEmail, unknownNames } from '../access/people.ts'
import { allSecretNames } from '../access/secrets.ts'
import { unfinishedDeployments } from '../delivery/deployments.sql.ts'
import type { NewRun } from '../engine/create-run.ts'
import { getRun } from '../engine/runs.sql.ts'
import { inOrder } from '../pipeline/in-order.ts'
import { doubts, lintParsed } from '../pipeline/lint.ts'
import { parsePipeline, type ParsedPipeline } from '../pipeline/parse-pipeline.ts'
import type { EnvironmentSpec, GateSpec, NotifySpec, Pipeline } from '../pipeline/pipeline.ts'
import { expressionContext } from '../pipeline/params.ts'
import type { PlanContext } from '../pipeline/plan-context.ts'
import { planRun } from '../pipeline/plan-run.ts'
import { concurrencyGroup, startsRun } from '../pipeline/starts-run.ts'
import { secondsOfSuites } from '../reports/known-tests.sql.ts'
import { secondsOf } from '../reports/seconds-of-file.ts'
import { getProject, type Project } from '../source/projects.ts'
import { defaultHead, listCommitFiles, readCommitTexts } from '../source/read-commit.ts'
import { commitsBetween, commitTitle } from '../source/read-history.ts'
import { repositoryFolder } from '../source/repositories.ts'
import { snapshotCommit } from '../source/snapshot-commit.ts'
import type { Installation } from './installation.ts'
import { lastValidPipeline } from './last-valid-pipeline.ts'
import { isOfCommit, pipelinePath, problemOfFile, readPipelineText } from './pipeline-text.ts'

export type RunEvent = 'push' | 'pull-request' | 'schedule' | 'manual' | 'alert'

export type PlanNeeds = Pick<Installation, 'database' | 'dataFolder' | 'store' | 'artifacts'>

/** A commit that something happened to. */
export interface CommitToRun {
  readonly project: string
  readonly commit: string
  readonly branch: string
  readonly tag?: string
  readonly event: RunEvent
  /** The token's person. */
  readonly person: string
  /** The same key is the same run. */
  readonly dedupeKey: string
  /** What the ref pointed to before; absent or zeros: it is new. */
  readonly before?: string
  /** Paths in the repository that the event changed; absent: not known, so filters on paths let it through. */
  readonly changed?: readonly string[]
  readonly alertId?: string
  /** Freeze datasets anew, instead of using those frozen last. */
  readonly refreshData?: boolean
}

/** What applies to a delivery: the default branch's words from before the change. Stored in `runs.rules`. */
export interface DeliveryRules {
  readonly model: string
  readonly gates: readonly GateSpec[]
  readonly environments: readonly EnvironmentSpec[]
  readonly notify: NotifySpec
  readonly refreshData: boolean
  /** Stages of a first delivery come from the change itself; said so that people see it. */
  readonly from: 'default-branch' | 'this-change'
}

/**
 * Everything a run needs to exist, or undefined when `on:` says that this event starts none. A pipeline
 * file that is missing or has problems still makes a run: an invalid one, which says what to do.
 */
export async function planCommit(installation: PlanNeeds, wanted: CommitToRun): Promise<NewRun | undefined> {
  const project = await getProject(installation.database.read, wanted.project)
  const repository = repositoryFolder(installation.dataFolder, project)
  const read = await readPipelineText(repository, wanted.commit, project)
  if (read.kind === 'problem') return invalidRun(installation, project, wanted, '', [read.problem])
  try {
    return await planText(installation, project, wanted, read.text)
  } catch (error) {
    if (!isOfCommit(error)) throw error
    return invalidRun(installation, project, wanted, read.text, [problemOfFile(project, error.message)])
  }
}

async function planText(
  installation: PlanNeeds,
  project: Project,
  wanted: CommitToRun,
  text: string,
): Promise<NewRun | undefined> {
  const parsed = parsePipeline(text, pipelinePath(project))
  const { pipeline } = parsed
  if (pipeline === undefined) {
    return invalidRun(installation, project, wanted, text, await allProblems(installation, project, wanted, parsed))
  }
  if (!isWanted(pipeline, wanted, project)) return undefined
  const sources = await readSources(repositoryFolder(installation.dataFolder, project), wanted.commit, project)
  return plannedRun(installation, project, wanted, { text, pipeline, ...sources })
}

/** Those that only a plan shows as well, as far as the file can be planned. */
async function allProblems(
  installation: PlanNeeds,
  project: Project,
  wanted: CommitToRun,
  parsed: ParsedPipeline,
): Promise<readonly Problem[]> {
  if (parsed.certain === undefined) return parsed.problems
  const { pipeline } = parsed.certain
  const sources = await readSources(repositoryFolder(installation.dataFolder, project), wanted.commit, project)
  const { context } = await planningOf(installation, project, wanted, { pipeline, ...sources })
  return lintParsed(parsed, context)
}

function isWanted(pipeline: Pipeline, wanted: CommitToRun, project: Project): boolean {
  if (wanted.event !== 'push' && wanted.event !== 'pull-request') return true
  const prefix = project.path === '' ? '' : `${project.path}/`
  const own = wanted.changed?.filter((path) => path.startsWith(prefix))
  return startsRun(pipeline, {
    event: wanted.event,
    branch: wanted.branch,
    ...(wanted.tag === undefined ? {} : { tag: wanted.tag }),
    ...(own === undefined ? {} : { changedFiles: own.map((path) => path.slice(prefix.length)) }),
  })
}

interface Parsed {
  readonly text: string
  readonly pipeline: Pipeline
  readonly files: readonly string[]
  readonly texts: ReadonlyMap<string, string>
}

async function plannedRun(
  installation: PlanNeeds,
  project: Project,
  wanted: CommitToRun,
  parsed: Parsed,
): Promise<NewRun> {
  const { context, before } = await planningOf(installation, project, wanted, parsed)
  const { plan, problems } = planRun(parsed.pipeline, context)
  const all = [...problems, ...(plan === undefined ? [] : doubts(parsed.pipeline, context))]
  if (plan === undefined) return invalidRun(installation, project, wanted, parsed.text, inOrder(all))
  const repository = repositoryFolder(installation.dataFolder, project)
  // Each asks git several times, and the pusher waits for all of them.
  const [snapshot, facts] = await Promise.all([
    snapshotCommit(installation.store, repository, wanted.commit, project.path),
    common(installation, project, wanted),
  ])
  const rules = deliveryRules(project, wanted, parsed.pipeline, before)
  const group = concurrencyGroup(parsed.pipeline, expressionContext(parsed.pipeline, context))
  return {
    ...facts,
    sourceTree: snapshot.tree,
    pipelineText: parsed.text,
    plan,
    rules,
    problems: [...all, ...snapshot.lfsPointers.map(lfsWarning)],
    ...(group === undefined ? {} : { concurrency: group }),
  }
}

/** What a plan of these sources depends on, and the pipeline whose rules apply. */
async function planningOf(
  installation: PlanNeeds,
  project: Project,
  wanted: CommitToRun,
  parsed: Omit<Parsed, 'text'>,
): Promise<{ context: PlanContext; before: Pipeline | undefined }> {
  const [people, secrets, before] = await Promise.all([
    missingPeople(installation, parsed.pipeline),
    allSecretNames(installation.database.read, project.name),
    pipelineBefore(installation, project, wanted),
  ])
  const context: PlanContext = {
    project: project.name,
    branch: wanted.branch,
    ...(wanted.tag === undefined ? {} : { tag: wanted.tag }),
    defaultBranch: project.defaultBranch,
    event: wanted.event,
    files: parsed.files,
    people,
    ...(secrets === undefined ? {} : { secrets }),
    ...(before === undefined ? {} : { dataBefore: before.data }),
    readText: (path) => parsed.texts.get(path),
    secondsOf: secondsOf(await secondsOfSuites(installation.database.read, project.name)),
  }
  return { context, before }
}

/** Whom a pipeline file names and who is somebody: planning reports the others where they stand. */
export async function missingPeople(
  installation: PlanNeeds,
  pipeline: Pipeline,
): Promise<{ persons: string[]; groups: string[] }> {
  const named = [
    ...pipeline.data.flatMap(({ owners = [] }) => owners),
    ...pipeline.environments.flatMap((environment) => [
      ...(environment.acceptance?.testers ?? []),
      ...(environment.approval === 'none' ? [] : environment.approval.reviewers),
    ]),
  ]
  const unknown = new Set(await unknownNames(installation.database.read, named))
  const known = named.filter((name) => !unknown.has(name))
  return {
    persons: known.filter((name) => !name.startsWith('group:')),
    groups: known.filter((name) => name.startsWith('group:')).map((name) => name.slice('group:'.length)),
  }
}

const MOST_READ_BYTES = 256 << 10

/** Requirement files, parameters, and what DVC keeps in git. */
const READ_TEXTS = /\.(txt|in|toml|ya?ml|json|cfg|lock|dvc|python-version)$|^\.dvc\/config$/

/** What there is, and the small text files that planning looks into: requirement files, parameters, imports. */
export async function readSources(
  repository: string,
  commit: string,
  project: Project,
): Promise<Pick<Parsed, 'files' | 'texts'>> {
  const files = await listCommitFiles(repository, commit, project.path)
  const small = files.filter(({ sizeBytes = 0 }) => sizeBytes <= MOST_READ_BYTES)
  const configs = small.filter(({ path }) => READ_TEXTS.test(path)).slice(0, 300)
  const sources = small.filter(({ path }) => path.endsWith('.py')).slice(0, 500)
  return { files: files.map(({ path }) => path), texts: await readCommitTexts(repository, [...configs, ...sources]) }
}

/** What the default branch said before the change; undefined for the first. */
async function pipelineBefore(
  installation: PlanNeeds,
  project: Project,
  wanted: CommitToRun,
): Promise<Pipeline | undefined> {
  const before = await ruleCommit(installation, project, wanted)
  if (before === undefined) return undefined
  const repository = repositoryFolder(installation.dataFolder, project)
  return (await lastValidPipeline(repository, before, project))?.pipeline
}

/**
 * A change that loosens gates or approvals is delivered under the rules from before it: those of the default
 * branch's commit before this one. The first change brings its own.
 */
function deliveryRules(
  project: Project,
  wanted: CommitToRun,
  own: Pipeline,
  earlier: Pipeline | undefined,
): DeliveryRules {
  const rules = earlier ?? own
  return {
    model: own.name ?? project.name,
    gates: rules.gates,
    environments: rules.environments,
    notify: rules.notify,
    refreshData: wanted.refreshData === true || wanted.event === 'alert',
    from: earlier === undefined ? 'this-change' : 'default-branch',
  }
}

const ZEROS = /^0+$/

async function ruleCommit(installation: PlanNeeds, project: Project, wanted: CommitToRun): Promise<string | undefined> {
  if (wanted.branch === project.defaultBranch && wanted.event === 'push' && wanted.tag === undefined) {
    return wanted.before === undefined || ZEROS.test(wanted.before) ? undefined : wanted.before
  }
  return defaultHead(repositoryFolder(installation.dataFolder, project), project.defaultBranch)
}

async function invalidRun(
  installation: PlanNeeds,
  project: Project,
  wanted: CommitToRun,
  text: string,
  problems: readonly Problem[],
): Promise<NewRun> {
  const empty = await installation.artifacts.putBytes('{"files":[],"kind":"tree"}')
  return {
    ...(await common(installation, project, wanted)),
    sourceTree: empty.digest,
    pipelineText: text,
    rules: {},
    problems,
  }
}

/** A step would read the pointer's three lines instead of the data. */
function lfsWarning(file: string): Problem {
  const message =
    'is kept in Git LFS, which this version does not fetch: steps see only its pointer. Declare it under `data:` instead'
  return { file, line: 1, column: 1, path: '', message, severity: 'warning' }
}

async function common(installation: PlanNeeds, project: Project, wanted: CommitToRun) {
  const repository = repositoryFolder(installation.dataFolder, project)
  const [title, authors] = await Promise.all([
    commitTitle(repository, wanted.commit),
    authorsOf(installation, project, wanted),
  ])
  return {
    project: project.name,
    commit: wanted.commit,
    branch: wanted.branch,
    ...(wanted.tag === undefined ? {} : { tag: wanted.tag }),
    event: wanted.event,
    title,
    person: wanted.person,
    authors,
    dedupeKey: wanted.dedupeKey,
    ...(wanted.alertId === undefined ? {} : { alertId: wanted.alertId }),
  }
}

/** What serves now: a run that no push started brings what came after it. */
async function servingCommit({ database }: PlanNeeds, project: string): Promise<string | undefined> {
  const live = (await unfinishedDeployments(database.read)).filter(
    (row) => row.project === project && row.state === 'live',
  )
  const last = live.toSorted((a, b) => a.position - b.position).at(-1)
  return last === undefined ? undefined : (await getRun(database.read, last.run_id))?.commit_id
}

/**
 * Everybody who had a hand in it: who pushed or started, and the people behind the addresses of commits that changed
 * something in the project's folder. Who works on another project of the repository may approve this one.
 */
async function authorsOf(installation: PlanNeeds, project: Project, wanted: CommitToRun): Promise<string[]> {
  const commits = await commitsBetween(
    repositoryFolder(installation.dataFolder, project),
    wanted.before ?? (await servingCommit(installation, wanted.project)),
    wanted.commit,
    project.path,
  )
  const emails = commits.flatMap((commit) => commit.emails)
  const known = await peopleByEmail(installation.database.read, [...new Set(emails)])
  const people = wanted.event === 'alert' || wanted.event === 'schedule' ? [] : [wanted.person]
  return [...new Set([...people, ...[...known.values()].flat()])]
}
