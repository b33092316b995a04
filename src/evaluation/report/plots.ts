import { escapeHtml, short } from './markup.ts'
import { showCount } from './report-facts.ts'

/** Plots as inline SVG: colours are classes, so that the page's light and dark ones hold; each has a name for those who cannot see it. */
function svg(width: number, height: number, title: string, parts: readonly string[]): string {
  const name = escapeHtml(title)
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${name}"><title>${name}</title>${parts.join('')}</svg>`
}

function label(x: number, y: number, text: string, more = ''): string {
  return `<text x="${at(x)}" y="${at(y)}"${more}>${escapeHtml(text)}</text>`
}

function line(x1: number, y1: number, x2: number, y2: number, name: string): string {
  return `<line x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}" class="${name}"/>`
}

/** A tenth of a pixel is as exact as anybody sees. */
function at(value: number): string {
  return String(Math.round(value * 10) / 10)
}

export interface Interval {
  readonly value: number
  readonly low: number
  readonly high: number
}

export interface IntervalRow {
  readonly name: string
  readonly note?: string
  readonly candidate: Interval
  readonly champion?: Interval
}

const NAME_WIDTH = 190
const PLOT_WIDTH = 400
const ROW_HEIGHT = 34

/** One row each: the value with its interval, candidate above champion. */
export function intervalPlot(title: string, rows: readonly IntervalRow[]): string {
  const ends = rows.flatMap(({ candidate, champion }) => [
    candidate.low,
    candidate.high,
    ...(champion === undefined ? [] : [champion.low, champion.high]),
  ])
  const [from, to] = niceRange(Math.min(...ends), Math.max(...ends))
  const x = (value: number): number => NAME_WIDTH + ((value - from) / (to - from)) * PLOT_WIDTH
  const height = rows.length * ROW_HEIGHT + 34
  const ticks = Array.from({ length: 5 }, (_, i) => from + ((to - from) * i) / 4)
  const parts = ticks.flatMap((tick) => [
    line(x(tick), 6, x(tick), height - 24, 'grid'),
    label(x(tick), height - 8, String(Number(tick.toPrecision(3))), ' class="tick" text-anchor="middle"'),
  ])
  for (const [i, { name, note = '', candidate, champion }] of rows.entries()) {
    const y = 6 + i * ROW_HEIGHT + ROW_HEIGHT / 2
    const isAlone = champion === undefined
    parts.push(label(NAME_WIDTH - 12, y + (note === '' ? 4 : -1), short(name, 26), ' class="name" text-anchor="end"'))
    if (note !== '') parts.push(label(NAME_WIDTH - 12, y + 12, short(note, 30), ' class="tick" text-anchor="end"'))
    parts.push(whisker(x, isAlone ? y : y - 6, candidate, 'candidate', `${name}: candidate ${show(candidate)}`))
    if (!isAlone) parts.push(whisker(x, y + 6, champion, 'champion', `${name}: champion ${show(champion)}`))
  }
  return svg(NAME_WIDTH + PLOT_WIDTH + 20, height, title, parts)
}

/** The two models differ in shape as well as in colour. */
function whisker(
  x: (value: number) => number,
  y: number,
  { value, low, high }: Interval,
  who: string,
  told: string,
): string {
  const mark =
    who === 'candidate'
      ? `<circle cx="${at(x(value))}" cy="${at(y)}" r="4.5" class="${who}"/>`
      : `<rect x="${at(x(value) - 4)}" y="${at(y - 4)}" width="8" height="8" class="${who}"/>`
  return `<g><title>${escapeHtml(told)}</title>${line(x(low), y, x(high), y, `${who} whisker`)}${mark}</g>`
}

function show({ value, low, high }: Interval): string {
  return `${value.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`
}

function niceRange(low: number, high: number): [number, number] {
  const room = Math.max((high - low) * 0.06, 0.005)
  const isShare = low >= 0 && high <= 1
  return [isShare ? Math.max(0, low - room) : low - room, isShare ? Math.min(1, high + room) : high + room]
}

const MOST_CELLS = 20

/** Rows are the truth, columns the answers; a darker cell is a larger share of its row. */
export function confusionPlot(
  title: string,
  classes: readonly string[],
  counts: readonly (readonly number[])[],
): string {
  const shown = classes.slice(0, MOST_CELLS)
  const size = Math.max(24, Math.min(52, Math.floor(360 / Math.max(1, shown.length))))
  const left = 96
  const top = 40
  const parts = [
    label(left + (shown.length * size) / 2, 14, 'answer', ' class="tick" text-anchor="middle"'),
    label(8, top - 8, 'truth', ' class="tick"'),
  ]
  for (const [i, name] of shown.entries()) {
    parts.push(label(left + i * size + size / 2, top - 8, short(name, 8), ' class="tick" text-anchor="middle"'))
    parts.push(label(left - 8, top + i * size + size / 2 + 4, short(name, 12), ' class="name" text-anchor="end"'))
    const row = counts[i] ?? []
    const total = row.reduce((sum, count) => sum + count, 0)
    for (const j of shown.keys()) {
      const count = row[j] ?? 0
      const share = total === 0 ? 0 : count / total
      const told = `truth ${name}, answer ${shown[j] ?? ''}: ${showCount(count)} of ${showCount(total)}`
      const kind = i === j ? 'right' : 'wrong'
      parts.push(
        `<g><title>${escapeHtml(told)}</title><rect x="${left + j * size}" y="${top + i * size}" width="${size - 2}" height="${size - 2}" class="cell ${kind}" fill-opacity="${at(0.06 + 0.9 * Math.sqrt(share))}"/>` +
          (count === 0
            ? ''
            : label(
                left + j * size + size / 2 - 1,
                top + i * size + size / 2 + 4,
                showCount(count),
                ` class="${share > 0.4 ? 'on-cell' : 'tick'}" text-anchor="middle"`,
              )) +
          '</g>',
      )
    }
  }
  return svg(left + shown.length * size + 8, top + shown.length * size + 8, title, parts)
}

interface Bin {
  readonly rows: number
  readonly confidence: number
  readonly accuracy: number
}

/** A model that says 0.8 should be right in 8 of 10: on the dashed line. Larger marks are more rows. */
export function reliabilityPlot(title: string, candidate: readonly Bin[], champion: readonly Bin[] = []): string {
  const size = 300
  const [left, top] = [62, 10]
  const x = (value: number): number => left + value * size
  const y = (value: number): number => top + (1 - value) * size
  const parts = [0, 0.25, 0.5, 0.75, 1].flatMap((tick) => [
    line(x(tick), y(0), x(tick), y(1), 'grid'),
    line(x(0), y(tick), x(1), y(tick), 'grid'),
    label(x(tick), y(0) + 16, String(tick), ' class="tick" text-anchor="middle"'),
    label(left - 8, y(tick) + 4, String(tick), ' class="tick" text-anchor="end"'),
  ])
  parts.push(line(x(0), y(0), x(1), y(1), 'ideal'))
  parts.push(label(x(0.5), y(0) + 34, 'how sure the model was', ' class="tick" text-anchor="middle"'))
  const upright = ` class="tick" text-anchor="middle" transform="rotate(-90 12 ${y(0.5)})"`
  parts.push(label(12, y(0.5), 'how often it was right', upright))
  for (const [who, bins] of [
    ['champion', champion],
    ['candidate', candidate],
  ] as const) {
    const used = bins.filter(({ rows }) => rows > 0)
    const most = Math.max(1, ...used.map(({ rows }) => rows))
    const points = used.map((bin) => `${at(x(bin.confidence))},${at(y(bin.accuracy))}`).join(' ')
    parts.push(`<polyline points="${points}" class="${who} curve"/>`)
    for (const { rows, confidence, accuracy } of used) {
      const told = `${who}: ${rows} rows, sure by ${confidence.toFixed(2)}, right in ${accuracy.toFixed(2)}`
      const half = 2.5 + 4 * Math.sqrt(rows / most)
      const mark =
        who === 'candidate'
          ? `<circle cx="${at(x(confidence))}" cy="${at(y(accuracy))}" r="${at(half)}" class="${who}"/>`
          : `<rect x="${at(x(confidence) - half)}" y="${at(y(accuracy) - half)}" width="${at(2 * half)}" height="${at(2 * half)}" class="${who}"/>`
      parts.push(`<g><title>${escapeHtml(told)}</title>${mark}</g>`)
    }
  }
  return svg(left + size + 16, top + size + 42, title, parts)
}

/** Two bars a bin: what the model learned from, and what it was judged on. */
export function shiftPlot(
  title: string,
  bins: readonly { readonly name: string; readonly reference: number; readonly heldOut: number }[],
): string {
  const [width, height] = [270, 110]
  const total = (of: 'reference' | 'heldOut'): number =>
    Math.max(
      1,
      bins.reduce((sum, bin) => sum + bin[of], 0),
    )
  const [references, rows] = [total('reference'), total('heldOut')]
  const most = Math.max(0.01, ...bins.flatMap(({ reference, heldOut }) => [reference / references, heldOut / rows]))
  const step = width / Math.max(1, bins.length)
  const parts = bins.flatMap(({ name, reference, heldOut }, i) => {
    const told = `${name}: ${percent(reference / references)} of the reference, ${percent(heldOut / rows)} of the held-out rows`
    const bar = (share: number, offset: number, kind: string): string => {
      const tall = (share / most) * (height - 8)
      return `<rect x="${at(i * step + offset)}" y="${at(height - tall)}" width="${at(step * 0.4)}" height="${at(tall)}" class="${kind}"/>`
    }
    return [
      `<g><title>${escapeHtml(told)}</title>${bar(reference / references, step * 0.08, 'reference')}${bar(heldOut / rows, step * 0.5, 'held-out')}</g>`,
    ]
  })
  const names = [
    label(0, height + 14, short(bins[0]?.name ?? '', 20), ' class="tick"'),
    label(width, height + 14, short(bins.at(-1)?.name ?? '', 20), ' class="tick" text-anchor="end"'),
  ]
  return svg(width, height + 18, title, [...parts, line(0, height, width, height, 'axis'), ...names])
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
