/** Rows as they are told apart, and what is true of each. */
export interface NamedRows {
  readonly ids: readonly string[]
  readonly labelOf: (row: number) => string | number | undefined
}

/**
 * For each row of `rows` its place among `others`, by id; a text says why they are not the same rows: an id that is
 * missing, stands twice or on one side only, or another label.
 */
export function pairRows(rows: NamedRows, others: NamedRows): Uint32Array | string {
  const twice = ambiguous(rows.ids) ?? ambiguous(others.ids)
  if (twice !== undefined) return twice
  const placeOf = new Map(others.ids.map((id, place) => [id, place]))
  const alone = rows.ids.filter((id) => !placeOf.has(id))
  if (alone.length > 0) return tell(alone, (id) => `its run did not answer row ${id}`)
  const own = new Set(rows.ids)
  const left = others.ids.filter((id) => !own.has(id))
  if (left.length > 0) return tell(left, (id) => `row ${id}, which its run answered, is missing`)
  const places = Uint32Array.from(rows.ids, (id) => placeOf.get(id)!)
  const moved = rows.ids.filter((_, row) => rows.labelOf(row) !== others.labelOf(places[row]!))
  return moved.length > 0 ? tell(moved, (id) => `row ${id} had another label when its run answered it`) : places
}

function ambiguous(ids: readonly string[]): string | undefined {
  const seen = new Set<string>()
  for (const [row, id] of ids.entries()) {
    if (id === '') return `row ${row + 1} has no id`
    if (seen.has(id)) return `two rows have the id "${shorten(id)}"`
    seen.add(id)
  }
  return undefined
}

function tell([first = '', ...more]: readonly string[], what: (id: string) => string): string {
  return `${what(`"${shorten(first)}"`)}${more.length === 0 ? '' : ` (and ${more.length} more like it)`}`
}

function shorten(id: string): string {
  return id.length > 40 ? `${id.slice(0, 40)}…` : id
}
