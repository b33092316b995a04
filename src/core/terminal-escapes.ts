/**
 * What a terminal obeys and does not show (ECMA-48): colours and cursor moves (the first group has their numbers, the second the
 * last letter: `m` for colours), strings (titles, links, images), sets of characters (`tput sgr0` chooses one), and the rest.
 * `lead` stands before what is one character of text from U+0080 on: nothing, or 0xC2 where each byte of UTF-8 is a character.
 */
export function escapePattern(lead = ''): string {
  const end = String.raw`(?:\u0007|\u001b\\|${lead}\u009c)`
  return [
    String.raw`(?:\u001b\[|${lead}\u009b)([0-?]*)[ -/]*([@-~])`,
    String.raw`(?:\u001b[\]PX^_]|${lead}[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\r\n]*?${end}`,
    String.raw`\u001b[ -/]+[0-~]`,
    String.raw`\u001b[0-Z\\^-~]`,
  ].join('|')
}

/** The beginning of one at the end of a text that goes on. */
export function unfinishedEscapePattern(lead = ''): string {
  return [
    String.raw`(?:\u001b\[|${lead}\u009b)[0-?]*[ -/]*$`,
    String.raw`(?:\u001b[\]PX^_]|${lead}[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\r\n]{0,4096}\u001b?$`,
    String.raw`\u001b[ -/]*$`,
    ...(lead === '' ? [] : [`${lead}$`]),
  ].join('|')
}
