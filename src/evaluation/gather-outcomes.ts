import type { Asked } from './ask-both.ts'
import type { EvaluatedModel } from './ask-model.ts'
import type { EvaluationPlace } from './evaluation-place.ts'
import type { ModelOutcomes, RowOutcomes } from './evaluation-result.ts'
import { readSlices, type HeldOutTable } from './held-out-table.ts'
import { classOutcomes, tabulateClasses } from './judge-answers.ts'
import type { RawAnswers } from './read-answers.ts'
import { readText } from './read-table.ts'

/** Truth, answers and slices of every row, in the form that is kept. */
export async function gatherOutcomes(
  place: EvaluationPlace,
  table: HeldOutTable,
  asked: Asked,
  notes: string[],
): Promise<RowOutcomes> {
  const { input, connection } = place
  const { task, id } = input.evaluation
  const base = {
    task,
    ...(id === undefined ? {} : { ids: (await readText(connection, id)).map((text) => text ?? '') }),
    slices: await readSlices(place),
  }
  if (task === 'regression') {
    const candidate = { predicted: toNumbers(asked.candidate) }
    const champion = asked.champion === undefined ? {} : { champion: { predicted: toNumbers(asked.champion) } }
    return { ...base, truth: table.numbers ?? [], candidate, ...champion }
  }
  const names = { candidate: classNames(input.candidate), champion: input.champion && classNames(input.champion) }
  const models = [asked.candidate, ...(asked.champion === undefined ? [] : [asked.champion])]
  const classes = tabulateClasses(table.labels, models, [...(names.candidate ?? []), ...(names.champion ?? [])])
  const candidate = classOutcomes(asked.candidate, classes, names.candidate)
  noteStrangers(candidate, classes.truth, classes.classes, notes)
  const champion =
    asked.champion === undefined ? {} : { champion: classOutcomes(asked.champion, classes, names.champion) }
  return { ...base, classes: classes.classes, truth: classes.truth, candidate, ...champion }
}

function classNames({ manifest }: EvaluatedModel): readonly string[] | undefined {
  return manifest.signature.answer.classes
}

/** Usually a mistake in `outputs.classes`, and worth more than an accuracy of 0. */
function noteStrangers(
  { predicted }: ModelOutcomes,
  truth: readonly number[],
  classes: readonly string[],
  notes: string[],
): void {
  const labels = new Set(truth)
  const answers = [...new Set(predicted)]
  if (answers.some((answer) => labels.has(answer))) return
  const show = (places: Iterable<number>): string =>
    [...places]
      .slice(0, 5)
      .map((place) => classes[place])
      .join(', ')
  notes.push(
    `none of the candidate's answers (${show(answers)}) is among the labels (${show(labels)}): check model.outputs.classes`,
  )
}

function toNumbers({ predicted }: RawAnswers): number[] {
  return predicted.map(Number)
}
