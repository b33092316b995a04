import { once } from 'node:events'

/** Prints `data` as JSON when asked to, else what `human` makes of it. */
export function print<T>(options: { json?: boolean }, data: T, human: (data: T) => string): void {
  process.stdout.write(options.json === true ? `${JSON.stringify(data, null, 2)}\n` : `${human(data)}\n`)
}

/** Waits while whoever reads it is slower than we are: it would pile up in memory, and in the end fail. */
export async function writeOut(bytes: Uint8Array): Promise<void> {
  if (bytes.length > 0 && !process.stdout.write(bytes)) await once(process.stdout, 'drain')
}

/** Columns as wide as their widest cell; the first row is the heading. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length)
  return rows
    .map((row) =>
      row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0))).join('  '),
    )
    .join('\n')
}

/** A sentence for one line of a table; `show` has the whole of it. */
export function brief(text: string, most = 100): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length <= most ? line : `${line.slice(0, most - 1).trimEnd()}…`
}

export function seconds(value: number | null): string {
  if (value === null) return ''
  if (value < 60) return `${value.toFixed(1)} s`
  return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`
}

export function time(at: number | null): string {
  return at === null ? '' : new Date(at).toISOString().slice(0, 19).replace('T', ' ')
}

/** `1.4 MiB`. */
export function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`
}
