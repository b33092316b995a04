/**
 * A line as it looks after its backspaces: each goes back over one character, which the next one overwrites. Those at
 * the end stay, so that what comes later still overwrites. `character` matches one at a time, or an escape, which
 * takes no place.
 */
export function applyBackspaces(line: string, character: RegExp): string {
  const characters: string[] = []
  const escapes: string[] = []
  let at = 0
  let pending = ''
  for (const [one] of line.matchAll(character)) {
    if (one === '\b') at = Math.max(0, at - 1)
    else if (one.startsWith('\u001b')) pending += one
    else {
      characters[at] = one
      escapes[at] = pending === '' ? (escapes[at] ?? '') : pending
      pending = ''
      at += 1
    }
  }
  const drawn = characters.map((one, index) => `${escapes[index] ?? ''}${one}`).join('')
  return drawn + pending + '\b'.repeat(characters.length - at)
}
