import type { Answers } from './answers.ts'
import type { Asked } from './ask-both.ts'
import type { EvaluationPlace } from './evaluation-place.ts'
import type { ModelOutcomes, RowOutcomes } from './evaluation-result.ts'
import { readExtras, readSlices, type HeldOutTable } from './held-out-table.ts'
import { classOutcomes, tabulateClasses } from './judge-answers.ts'
import { queryRows } from '../lib/open-analytics.ts'
import { columnText, readText } from './read-table.ts'

/** Truth, answers and slices of every row, in the form that is kept. */
export async function gatherOutcomes(
  place: EvaluationPlace,
  table: HeldOutTable,
  asked: Asked,
  notes: string[],
): Promise<RowOutcomes> {
  const { input } = place
  const { task, positive, metrics } = input.evaluation
  notes.push(...(await aboutIds(place)))
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
  for (const [i, outcomes] of [candidate, champion].entries())
    if (outcomes !== undefined) notes.push(...aboutScores(i === 0 ? 'candidate' : 'champion', models[i]!, outcomes))
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

/** Rows are found again by their id: in the evidence, and in what people say of it. */
async function aboutIds({ input, connection }: EvaluationPlace): Promise<string[]> {
  const { id } = input.evaluation
  if (id === undefined) return []
  const text = columnText(id)
  const [row] = await queryRows(
    connection,
    `select count(*) filter (where id is null)::double as absent, count(id)::double - count(distinct id) as again,
      any_value(id) filter (where n > 1) as one
    from (select id, count(*) over (partition by id) as n from (select ${text} as id from held_out))`,
  )
  const [absent, again] = [Number(row?.['absent']), Number(row?.['again'])]
  return [
    ...(absent === 0 ? [] : [`${absent} ${absent === 1 ? 'row has' : 'rows have'} no ${id} (evaluation.id)`]),
    ...(again === 0
      ? []
      : [
          `${again} ${again === 1 ? 'row has' : 'rows have'} the ${id} of another row, ${String(row?.['one'])} for one (evaluation.id): where they belong together, say so in evaluation.unit`,
        ]),
  ]
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

/** Scores that belong to no class are none: metrics that need them would say that the model gives no scores. */
function aboutScores(
  who: string,
  { width, names }: Extract<Answers, { kind: 'classes' }>,
  { scores }: ModelOutcomes,
): string[] {
  if (width === 0 || scores !== undefined) return []
  const classes =
    names === undefined ? 'model.outputs.classes names none' : `model.outputs.classes names ${names.length}`
  return [`the ${who}'s scores are not used: a row has ${width}, and ${classes}. Each class needs one`]
}

/** Usually a mistake in `outputs.classes` or in how a class is written, and worth more than a low accuracy. */
function noteStrangers(
  { predicted }: ModelOutcomes,
  truth: ArrayLike<number>,
  classes: readonly string[],
  notes: string[],
): void {
  const labels = placesIn(truth, classes.length)
  const answers = placesIn(predicted, classes.length)
  const strangers = answers.filter((answer) => !labels.includes(answer))
  if (strangers.length === 0) return
  const show = (places: readonly number[]): string =>
    places
      .slice(0, 5)
      .map((place) => classes[place])
      .join(', ')
  if (strangers.length < answers.length) {
    let rows = 0
    for (let i = 0; i < predicted.length; i++) if (strangers.includes(predicted[i]!)) rows++
    const told = `${rows} ${rows === 1 ? 'answer' : 'answers'} of the candidate (${show(strangers)})`
    notes.push(`${told} are no label of any row: wrong wherever the class is written otherwise there`)
    return
  }
  notes.push(
    `none of the candidate's answers (${show(answers)}) is among the labels (${show(labels)}): check model.outputs.classes`,
  )
}

function placesIn(of: ArrayLike<number>, count: number): number[] {
  const seen = new Uint8Array(count)
  for (let i = 0; i < of.length; i++) seen[of[i]!] = 1
  return [...seen.keys()].filter((place) => seen[place] === 1)
}
