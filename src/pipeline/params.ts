import { limit } from '../core/limits.ts'
import { paramsFile } from './connect-steps.ts'
import { expandMatrix } from './expand-matrix.ts'
import type { ExpressionContext } from './expression.ts'
import type { Pipeline, StepSpec } from './pipeline.ts'
import type { PlanContext } from './plan-context.ts'
import { fillTemplate } from './template.ts'
import { readYaml } from './yaml-source.ts'

/**
 * What expressions know when a plan is made. Params files are those that steps name and `params.yaml`, read as YAML
 * or JSON. A step's own come first: `ownParamsFirst`.
 */
export function expressionContext(pipeline: Pipeline, context: PlanContext): ExpressionContext {
  const { branch, tag, event } = context
  const known = { branch, event, ...(tag === undefined ? {} : { tag }) }
  return { ...known, params: context.params ?? readParams(namedParams(pipeline, context, known), context.readText) }
}

function readParams(files: readonly string[], readText: PlanContext['readText']): Record<string, unknown> {
  const contents: Record<string, unknown> = {}
  for (const file of files) {
    const text = readText?.(file)
    const content = text === undefined ? undefined : readYaml(text, file).value
    if (content !== undefined) contents[file] = content
  }
  return contents
}

/** `params.yaml` where the commit has it, and every file that a step names. */
export function namedParams(
  { steps }: Pipeline,
  { files }: Pick<PlanContext, 'files'>,
  context: ExpressionContext,
): string[] {
  const named = steps.flatMap((step) =>
    step.params.some((param) => param.includes('${{'))
      ? membersOf(step).flatMap((matrix) =>
          ownParams(step, { ...context, ...(matrix === undefined ? {} : { matrix }) }),
        )
      : step.params.map(paramsFile),
  )
  return [...new Set([...(files.includes('params.yaml') ? ['params.yaml'] : []), ...named])]
}

/** Undefined: a step without a matrix is one member. */
export function membersOf({ matrix }: StepSpec): (ExpressionContext['matrix'] | undefined)[] {
  return matrix === undefined ? [undefined] : expandMatrix(matrix, limit('matrixMembers'))
}

/** The params files of a step, or of one member of its matrix. */
export function ownParams({ params }: Pick<StepSpec, 'params'>, context: ExpressionContext): string[] {
  return params.map((param) => paramsFile(fillTemplate(param, context)))
}

/** As a step sees it: what its own files say counts before what others say. */
export function ownParamsFirst(step: Pick<StepSpec, 'params'>, context: ExpressionContext): ExpressionContext {
  const { params = {} } = context
  const own = ownParams(step, context).filter((file) => Object.hasOwn(params, file))
  return { ...context, params: { ...Object.fromEntries(own.map((file) => [file, params[file]])), ...params } }
}
