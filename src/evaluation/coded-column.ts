/** A column of few different texts: each once, and for every row which it is. */
export interface Coded {
  readonly values: readonly string[]
  /** Places in `values`. */
  readonly of: ArrayLike<number>
}

export function codeTexts(texts: readonly string[]): Coded {
  const places = new Map<string, number>()
  const of = new Int32Array(texts.length)
  for (const [row, text] of texts.entries()) {
    const place = places.get(text) ?? places.size
    if (place === places.size) places.set(text, place)
    of[row] = place
  }
  return { values: [...places.keys()], of }
}

/** Each row's place in another list: `places` says where each value stands there. */
export function recode({ of }: Coded, places: readonly number[]): Int32Array {
  const moved = new Int32Array(of.length)
  for (let i = 0; i < moved.length; i++) moved[i] = places[of[i]!]!
  return moved
}
