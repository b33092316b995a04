/**
 * Every row, a page at a time: no transaction is held, and no list is longer than a page. `read` answers the rows
 * after a key, ordered by it; nothing comes after the last one of an empty page.
 */
export async function* allRows<Key, Row extends Key>(
  first: Key,
  read: (after: Key) => Promise<readonly Row[]>,
): AsyncGenerator<Row> {
  let last: Key | undefined = first
  while (last !== undefined) {
    const rows: readonly Row[] = await read(last)
    yield* rows
    last = rows.at(-1)
  }
}
