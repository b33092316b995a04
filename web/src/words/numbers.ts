/** `< 1 ms`, `850 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`. */
export function asDuration(seconds: number): string {
  if (seconds > 0 && seconds < 0.001) return '< 1 ms'
  if (seconds < 1) return `${Math.round(seconds * 1_000)} ms`
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.round(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

export function asPercent(share: number): string {
  const percent = share * 100
  return `${Number.isInteger(percent) ? percent : percent.toFixed(1)} %`
}

export function asBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`
  if (bytes < 1_024 ** 2) return `${(bytes / 1_024).toFixed(1)} KiB`
  if (bytes < 1_024 ** 3) return `${(bytes / 1_024 ** 2).toFixed(1)} MiB`
  return `${(bytes / 1_024 ** 3).toFixed(1)} GiB`
}

/** Enough digits to compare, none to distract. */
export function asMeasure(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString('en')
  return Math.abs(value) >= 1_000 ? value.toFixed(1) : Number(value.toPrecision(4)).toString()
}

export function asCount(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`
}
