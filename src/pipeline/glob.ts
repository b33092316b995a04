/** `*` and `?` stay within a folder, `**` crosses folders; other characters stand for themselves. */
export function isGlob(path: string): boolean {
  return /[*?]/.test(path)
}

/** Whether a path, or the name of a branch or tag, fits a glob. A `/` at the end means everything below. */
export function matchesGlob(glob: string, path: string): boolean {
  return globPattern(glob).test(path)
}

export interface GlobPattern {
  test(path: string): boolean
}

/**
 * A glob to try on many paths. Globs come from people who push, so matching takes at most the product of
 * both lengths: as a regular expression, `*a*a*a…` would take for ever.
 */
export function globPattern(glob: string): GlobPattern {
  const tokens = tokensOf(glob.endsWith('/') ? `${glob}**` : glob)
  const literal = /^[^*?]*/.exec(glob)?.[0] ?? ''
  return { test: (path) => path.startsWith(literal) && runAutomaton(tokens, path) }
}

/** `within`: `*`. `across`: `**`. `folders`: the start of `**` and `/`, `inside`: once it has begun. */
type Token =
  | { readonly kind: 'within' | 'across' | 'one' | 'folders' | 'inside' }
  | { readonly kind: 'character'; readonly character: string }

function tokensOf(glob: string): Token[] {
  const tokens: Token[] = []
  for (const [part] of glob.matchAll(/\*\*+\/|\*\*+|[^]/g)) {
    if (part.length > 1 && part.endsWith('/')) tokens.push({ kind: 'folders' }, { kind: 'inside' })
    else if (part.length > 1) tokens.push({ kind: 'across' })
    else if (part === '*') tokens.push({ kind: 'within' })
    else if (part === '?') tokens.push({ kind: 'one' })
    else tokens.push({ kind: 'character', character: part })
  }
  return tokens
}

/** All places of the glob that the path read so far can have come to, at once. */
function runAutomaton(tokens: readonly Token[], path: string): boolean {
  let places = new Set<number>()
  reach(0, tokens, places)
  for (let index = 0; index < path.length && places.size > 0; index++) {
    const next = new Set<number>()
    for (const place of places) step(place, path.charAt(index), tokens, next)
    places = next
  }
  return places.has(tokens.length)
}

function step(place: number, character: string, tokens: readonly Token[], next: Set<number>): void {
  const token = tokens[place]
  if (token === undefined || token.kind === 'folders') return
  if (token.kind === 'character') {
    if (token.character === character) reach(place + 1, tokens, next)
    return
  }
  if (token.kind === 'one' || token.kind === 'within') {
    if (character !== '/') reach(token.kind === 'one' ? place + 1 : place, tokens, next)
    return
  }
  next.add(place)
  if (token.kind === 'across' || character === '/') reach(place + 1, tokens, next)
}

/** A place, and all that can be come to from it without reading. */
function reach(start: number, tokens: readonly Token[], places: Set<number>): void {
  for (let place = start; !places.has(place);) {
    places.add(place)
    const kind = tokens[place]?.kind
    if (kind === 'folders') {
      places.add(place + 1)
      place += 2
    } else if (kind === 'within' || kind === 'across') place += 1
    else return
  }
}
