/** Collects what is asked for within `ms` and does it at once: each caller is answered when its own is done. */
export function gather<Item>(
  ms: number,
  work: (items: readonly Item[]) => Promise<void>,
): (item: Item) => Promise<void> {
  let waiting: Item[] = []
  let done: Promise<void> | undefined

  async function doAll(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms))
    const items = waiting
    waiting = []
    done = undefined
    await work(items)
  }

  return (item) => {
    waiting.push(item)
    done ??= doAll()
    return done
  }
}
