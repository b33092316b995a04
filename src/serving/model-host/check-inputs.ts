import type { TensorSpec } from '../../core/bundle.ts'
import { AppError } from '../../core/errors.ts'
import type { Tensor } from '../../core/ports/runtime.ts'

/**
 * That a request's tensors are those the signature names: each once, of its datatype and of a shape it
 * admits. Fails with INVALID_INPUT and says which.
 */
export function checkInputs(specs: readonly TensorSpec[], inputs: readonly Tensor[]): void {
  const given = new Set<string>()
  for (const input of inputs) {
    if (given.has(input.name)) throw refuse(`input "${input.name}" is there twice`)
    given.add(input.name)
    const spec = specs.find((candidate) => candidate.name === input.name)
    if (spec === undefined) throw refuse(`the model has no input "${input.name}"; it has ${names(specs)}`)
    checkInput(spec, input)
  }
  const missing = specs.find((spec) => !given.has(spec.name))
  if (missing !== undefined) throw refuse(`input "${missing.name}" is missing`)
}

function checkInput(spec: TensorSpec, input: Tensor): void {
  if (spec.datatype !== input.datatype) {
    throw refuse(`input "${input.name}" is ${input.datatype}, but the model takes ${spec.datatype}`)
  }
  const fits =
    spec.shape.length === input.shape.length && spec.shape.every((size, i) => size === -1 || size === input.shape[i])
  if (!fits)
    throw refuse(
      `input "${input.name}" has shape [${input.shape.join(',')}], but the model takes [${spec.shape.join(',')}]`,
    )
}

function names(specs: readonly TensorSpec[]): string {
  return specs.map((spec) => `"${spec.name}"`).join(', ')
}

function refuse(message: string): AppError {
  return new AppError('INVALID_INPUT', message)
}
