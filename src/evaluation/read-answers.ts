import type { AnswerSpec } from '../core/bundle.ts'
import { AppError } from '../core/errors.ts'
import type { Tensor } from '../core/ports/runtime.ts'

/** A model's answers to some rows, still in its own words: class names or numbers as text, scores as they came. */
export interface RawAnswers {
  readonly predicted: string[]
  /** Row after row. */
  readonly scores: number[]
  /** How many scores a row has; 0 without. */
  width: number
  /** How many numbers the answer to one row has: beyond 1 the place of the largest is taken for the answer. */
  values: number
  /** A number among the answers that is the name of a class, and one that was taken for its place. */
  named?: string
  placed?: string
}

export function noAnswers(): RawAnswers {
  return { predicted: [], scores: [], width: 0, values: 1 }
}

/** Adds the first `count` rows of an answer. Fails with UPSTREAM, saying which row and why. */
export function addAnswers(
  answers: RawAnswers,
  outputs: readonly Tensor[],
  answer: AnswerSpec,
  count: number,
  rows: number,
): void {
  const prediction = find(outputs, answer.prediction)
  const first = answers.predicted.length
  const told = `rows ${first + 1} to ${first + count}`
  const width = widthOf(prediction, rows, told)
  const scores = answer.scores === undefined ? undefined : find(outputs, answer.scores)
  const scoreWidth = scores === undefined ? 0 : widthOf(scores, rows, told)
  for (let row = 0; row < count; row++) {
    const place = width === 1 ? row : largest(prediction, row, width) - row * width
    answers.predicted.push(
      width === 1 ? className(prediction.data[place], answer, first + row, answers) : nameAt(place, answer),
    )
    for (let k = 0; k < scoreWidth; k++) answers.scores.push(scoreAt(scores, row * scoreWidth + k, first + row))
  }
  answers.width = scoreWidth
  answers.values = width
}

function widthOf({ name, data }: Tensor, rows: number, told: string): number {
  const width = data.length / rows
  if (Number.isInteger(width) && width >= 1) return width
  throw wrong(`${told}: output "${name}" has ${data.length} values for ${rows} rows`)
}

/**
 * For classification. Fails with UPSTREAM where some numbers are names of classes and others only places: of classes
 * named 1, 2 and 3 the answer 1 is the first class to one model, and the second to another that counts from 0.
 */
export function requireOneNaming({ named, placed }: RawAnswers): void {
  if (named === undefined || placed === undefined) return
  throw wrong(
    `the answer ${named} is the name of a class in model.outputs.classes, and ${placed} is none, only a place among them: name the classes as the model does`,
  )
}

/** For regression. Fails with UPSTREAM, naming the first row whose answer is no number. */
export function requireNumbers({ predicted, values }: RawAnswers): void {
  if (values > 1) throw wrong(`the answer to row 1 has ${values} values: a regression has one`)
  const row = predicted.findIndex((text) => text === '' || !Number.isFinite(Number(text)))
  if (row !== -1) throw wrong(`the answer to row ${row + 1} is "${predicted[row]}", which is no number`)
}

function find(outputs: readonly Tensor[], name: string): Tensor {
  const found = outputs.find((output) => output.name === name)
  if (found !== undefined) return found
  throw wrong(`the answer has no output "${name}", only ${outputs.map((output) => output.name).join(', ') || 'none'}`)
}

/** An output of one number per class instead of one answer: its largest is the answer. */
function largest({ data }: Tensor, row: number, width: number): number {
  let best = row * width
  for (let i = best + 1; i < (row + 1) * width; i++) if (Number(data[i]) > Number(data[best])) best = i
  return best
}

/** A number that is not itself the name of a class is its place in the list of classes. */
function className(
  value: string | number | bigint | undefined,
  { classes }: AnswerSpec,
  row: number,
  seen: RawAnswers,
): string {
  const text = String(value)
  if (typeof value === 'number' && !Number.isFinite(value)) throw wrong(`the answer to row ${row + 1} is ${text}`)
  if (classes === undefined) return text
  if (classes.includes(text)) {
    if (typeof value !== 'string') seen.named ??= text
    return text
  }
  const name = /^\d+$/.test(text) ? classes[Number(text)] : undefined
  if (name !== undefined) seen.placed ??= text
  return name ?? text
}

function nameAt(place: number, { classes }: AnswerSpec): string {
  return classes?.[place] ?? String(place)
}

function scoreAt(scores: Tensor | undefined, place: number, row: number): number {
  const score = Number(scores?.data[place])
  if (!Number.isFinite(score)) throw wrong(`a score of row ${row + 1} is ${score}`)
  return score
}

function wrong(message: string): AppError {
  return new AppError('UPSTREAM', message, { reason: 'model' })
}
