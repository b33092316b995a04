/** Control characters have no place on a page, nor in a terminal. */
const CONTROL = /\p{Cc}/gu

/** Text as it may stand in HTML, SVG and their attributes. What comes from a run is never trusted. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`)
    .replaceAll(CONTROL, (letter) => (letter === '\n' ? letter : '�'))
}

/** Text as one cell of a Markdown table, or one line: nothing in it is markup, and nothing is HTML. */
export function escapeMarkdown(text: string): string {
  return text
    .replaceAll(CONTROL, ' ')
    .replaceAll(/[\\`*_{}[\]<>()#|~!]/g, (letter) => `\\${letter}`)
    .replaceAll('\\<', '&lt;')
    .replaceAll('\\>', '&gt;')
}

export function short(text: string, most = 200): string {
  return text.length > most ? `${text.slice(0, most)}…` : text
}
