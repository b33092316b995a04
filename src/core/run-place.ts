/** For people: where a run's commit stands. */
export function placeOfRun({ branch, tag }: { readonly branch: string; readonly tag?: string | null }): string {
  const parts = [...(branch === '' ? [] : [branch]), ...(tag === null || tag === undefined ? [] : [`tag ${tag}`])]
  return parts.length === 0 ? 'no branch' : parts.join(', ')
}
