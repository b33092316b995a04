/** Where something stands in a document: keys and positions from the root. */
export type Path = readonly (string | number)[]

/** `steps.train.outs[0]`; keys that are no plain words stand in brackets. */
export function formatPath(path: Path): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else if (/^[\w-]+$/.test(part)) text += text === '' ? part : `.${part}`
    else text += `[${JSON.stringify(part)}]`
  }
  return text
}
