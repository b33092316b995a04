import { rankRows, type RankedRows } from '../statistics/rank-area.ts'
import { twoClasses, type ClassRows } from './judged-rows.ts'

/** The classes whose scores are judged against the rest: the one that matters, of two the second, else all. */
export function rankedClasses(rows: ClassRows): readonly number[] {
  const { classes, positive } = rows
  if (positive !== undefined) return [positive]
  const two = twoClasses(rows)
  return two === undefined ? classes.map((_, c) => c) : [two[1]]
}

/** Rows by their score for one class. Sorted once for all metrics. */
export function ranked(rows: ClassRows, c: number): RankedRows {
  const known = RANKED.get(rows) ?? new Map<number, RankedRows>()
  RANKED.set(rows, known)
  const found = known.get(c) ?? rankRows(scoresOf(rows, c), isClass(rows, c))
  known.set(c, found)
  return found
}

const RANKED = new WeakMap<ClassRows, Map<number, RankedRows>>()

function scoresOf({ scores, classes, truth }: ClassRows, c: number): Float64Array {
  const own = new Float64Array(truth.length)
  for (let i = 0; i < own.length; i++) own[i] = scores![i * classes.length + c]!
  return own
}

/** One for each row that is the class. */
export function isClass({ truth }: ClassRows, c: number): Uint8Array {
  const is = new Uint8Array(truth.length)
  for (let i = 0; i < is.length; i++) is[i] = Number(truth[i] === c)
  return is
}
