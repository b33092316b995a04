/** As `Promise.all` over `map`, with at most `width` under way at once. Results in the order of the items. */
export async function mapBounded<Item, Result>(
  items: readonly Item[],
  width: number,
  map: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  const entries = items.entries()
  const worker = async () => {
    for (const [at, item] of entries) results[at] = await map(item)
  }
  await Promise.all(Array.from({ length: width }, worker))
  return results
}
