const MOST_CHARACTERS = 300

/**
 * What a program said when it answered with an error, in one line: the `error` of the Open Inference Protocol or
 * the `detail` of FastAPI; of a page for people its words.
 */
export function errorText(status: number | undefined, body: string): string {
  const said = messageIn(body)
  if (said !== undefined) return cut(said)
  const words = wordsOf(body)
  return `it answered with status ${status}${words === '' ? '' : ` (${cut(words)})`}; why may stand in what it prints`
}

function messageIn(body: string): string | undefined {
  try {
    const { error, detail } = JSON.parse(body) as { error?: unknown; detail?: unknown }
    const said = error ?? detail
    return typeof said === 'string' ? said : undefined
  } catch {
    // No JSON: a page, or words alone.
    return undefined
  }
}

/** Of HTML the title, else what is left without head, scripts and tags; an error's own words come first. */
function wordsOf(body: string): string {
  const [, title] = /<title[^>]*>([^<]*)/i.exec(body) ?? []
  const text =
    title ?? body.replaceAll(/<(head|script|style)\b[^]*?<\/\1\s*>/gi, ' ').replaceAll(/<[!/a-z][^>]*>?/gi, ' ')
  return text.replaceAll(/\s+/g, ' ').trim()
}

function cut(text: string): string {
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text
}
