/**
 * What several sources say, as it comes. One that fails ends it, once what came before is said. Whoever leaves early
 * closes each source as soon as it says something more.
 */
export async function* interleave<Item>(sources: readonly AsyncIterable<Item>[]): AsyncGenerator<Item> {
  const queue: { readonly item: Item; readonly taken: () => void }[] = []
  const failures: unknown[] = []
  let wake = () => {}
  let open = sources.length
  let hasLeft = false

  async function pump(source: AsyncIterable<Item>): Promise<void> {
    for await (const item of source) {
      if (hasLeft) return
      // One item of each source waits at most: nothing piles up for a slow reader.
      await new Promise<void>((taken) => {
        queue.push({ item, taken })
        wake()
      })
      if (hasLeft) return
    }
  }

  for (const source of sources) {
    void pump(source)
      .catch((error: unknown) => failures.push(error))
      .finally(() => {
        open -= 1
        wake()
      })
  }
  try {
    for (;;) {
      const next = queue.shift()
      if (next !== undefined) {
        next.taken()
        yield next.item
      } else if (failures.length > 0) {
        throw failures[0]
      } else if (open === 0) {
        return
      } else {
        await new Promise<void>((resolve) => (wake = resolve))
      }
    }
  } finally {
    hasLeft = true
    for (const { taken } of queue) taken()
  }
}
