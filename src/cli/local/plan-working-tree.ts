import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '../../core/errors.ts'
import type { Plan } from '../../core/plan.ts'
import type { Problem } from '../../core/problem.ts'
import { hasCode } from '../../lib/error-code.ts'
import { lintParsed } from '../../pipeline/lint.ts'
import { parsePipeline } from '../../pipeline/parse-pipeline.ts'
import type { Pipeline } from '../../pipeline/pipeline.ts'
import type { PlanContext } from '../../pipeline/plan-context.ts'
import { planRun } from '../../pipeline/plan-run.ts'
import { narrowPlan } from './narrow-plan.ts'
import { projectNameOf, type WorkingTree } from './working-tree.ts'

const FILE = 'tidegate.yaml'

export interface PlannedTree {
  readonly name: string
  readonly text: string
  readonly pipeline?: Pipeline
  /** Absent when there is an error. */
  readonly plan?: Plan
  readonly problems: readonly Problem[]
}

/**
 * What the pipeline file means for the files as they are: a plan like a commit's, without registration.
 * `steps` narrows it. People it names are the server's to know.
 */
export function planWorkingTree(tree: WorkingTree, steps: readonly string[]): PlannedTree {
  const name = projectNameOf(tree.folder)
  const text = readPipelineFile(tree.folder)
  const context: PlanContext = {
    project: name,
    branch: tree.branch,
    defaultBranch: tree.branch,
    event: 'local',
    files: tree.files,
    isLeftOut: (path) => existsSync(join(tree.folder, path)),
    readText: (path) => readOrNothing(join(tree.folder, path)),
  }
  const parsed = parsePipeline(text, FILE)
  const { pipeline } = parsed
  if (pipeline === undefined) return { name, text, problems: lintParsed(parsed, context) }
  const { plan: whole, problems } = planRun(pipeline, context)
  if (whole === undefined) return { name, text, pipeline, problems }
  const plan = steps.length === 0 ? whole : narrowPlan(whole, steps)
  return { name: pipeline.name ?? name, text, pipeline, plan, problems }
}

function readPipelineFile(folder: string): string {
  const text = readOrNothing(join(folder, FILE))
  if (text !== undefined) return text
  throw new AppError(
    'INVALID_INPUT',
    `There is no ${FILE} in ${folder}. \`tidegate init\` writes one that fits; \`tidegate run <folder>\` names another folder.`,
  )
}

function readOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return undefined
    throw error
  }
}
