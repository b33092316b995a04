import type { Answers } from './answers.ts'
import type { Asked } from './ask-both.ts'
import type { EvaluationPlace } from './evaluation-place.ts'
import type { ModelOutcomes, RowOutcomes } from './evaluation-result.ts'
import { readExtras, readSlices, type HeldOutTable } from './held-out-table.ts'
import { classOutcomes, tabulateClasses } from './judge-answers.ts'
import { readText } from './read-table.ts'

/** Truth, answers and slices of every row, in the form that is kept. */
export async function gatherOutcomes(
  place: EvaluationPlace,
  table: HeldOutTable,
  asked: Asked,
  notes: string[],
): Promise<RowOutcomes> {
  const { input } = place
  const { task, positive, metrics } = input.evaluation
  const base = {
    task,
    ...(await readIds(place, table)),
    ...(await readExtras(place, table)),
    ...(metrics === undefined
      ? {}
      : { ownColumns: Object.fromEntries(Object.entries(metrics).map(([name, { column }]) => [name, column])) }),
    slices: await readSlices(place, table),
  }
  if (table.truth.kind === 'numbers') {
    const champion = asked.champion === undefined ? {} : { champion: numberOutcomes(asked.champion) }
    return { ...base, truth: table.truth.numbers, candidate: numberOutcomes(asked.candidate), ...champion }
  }
  const models = [asked.candidate, ...(asked.champion === undefined ? [] : [asked.champion])].filter(isClasses)
  const classes = tabulateClasses(table.truth.labels, models, positive)
  const [candidate, champion] = models.map((model) => ({ ...classOutcomes(model, classes), ...ownOf(model) }))
  noteStrangers(candidate!, classes.truth, classes.classes, notes)
  return {
    ...base,
    classes: classes.classes,
    ...(positive === undefined ? {} : { positive: classes.placeOf(positive) }),
    truth: classes.truth,
    candidate: candidate!,
    ...(champion === undefined ? {} : { champion }),
  }
}

/** Millions of names would be most of what is kept, and nobody looks a row up among so many. */
export const MOST_NAMED_ROWS = 500_000

async function readIds(
  { input, connection }: EvaluationPlace,
  { rows }: HeldOutTable,
): Promise<Pick<RowOutcomes, 'ids'>> {
  const { id } = input.evaluation
  if (id === undefined || rows > MOST_NAMED_ROWS) return {}
  return { ids: (await readText(connection, id)).map((text) => text ?? '') }
}

function isClasses(answers: Answers): answers is Extract<Answers, { kind: 'classes' }> {
  return answers.kind === 'classes'
}

function numberOutcomes(answers: Answers): ModelOutcomes {
  return { predicted: answers.kind === 'numbers' ? answers.predicted : new Float64Array(), ...ownOf(answers) }
}

function ownOf({ own }: Answers): Pick<ModelOutcomes, 'own'> {
  return own === undefined ? {} : { own }
}

/** Usually a mistake in `outputs.classes`, and worth more than an accuracy of 0. */
function noteStrangers(
  { predicted }: ModelOutcomes,
  truth: ArrayLike<number>,
  classes: readonly string[],
  notes: string[],
): void {
  const labels = placesIn(truth, classes.length)
  const answers = placesIn(predicted, classes.length)
  if (answers.some((answer) => labels.includes(answer))) return
  const show = (places: readonly number[]): string =>
    places
      .slice(0, 5)
      .map((place) => classes[place])
      .join(', ')
  notes.push(
    `none of the candidate's answers (${show(answers)}) is among the labels (${show(labels)}): check model.outputs.classes`,
  )
}

function placesIn(of: ArrayLike<number>, count: number): number[] {
  const seen = new Uint8Array(count)
  for (let i = 0; i < of.length; i++) seen[of[i]!] = 1
  return [...seen.keys()].filter((place) => seen[place] === 1)
}
