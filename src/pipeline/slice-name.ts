/** How two columns are named that are looked at together: `digit+ink`. */
export function sliceName(columns: readonly string[]): string {
  return columns.join('+')
}

/** The columns of a slice, given those of the table: a column may itself have a plus in its name. */
export function sliceColumns(slice: string, columns: readonly string[]): readonly string[] {
  if (columns.includes(slice)) return [slice]
  for (let at = slice.indexOf('+'); at !== -1; at = slice.indexOf('+', at + 1)) {
    const pair = [slice.slice(0, at), slice.slice(at + 1)]
    if (pair.every((column) => columns.includes(column))) return pair
  }
  return [slice]
}
