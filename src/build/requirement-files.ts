/** One requirement as a person wrote it. */
export interface Requirement {
  /** Normalised (PEP 503): lower case, `-`. */
  readonly name: string
  readonly text: string
  readonly file: string
  readonly line: number
}

export interface RequirementFile {
  readonly requirements: readonly Requirement[]
  /** Files it names by `-r` and `-c`. */
  readonly includes: readonly { readonly path: string; readonly line: number }[]
  /** Lines that install from the working copy. */
  readonly local: readonly { readonly text: string; readonly line: number }[]
  /** Lines that install from a repository: `git+https://…`. */
  readonly repositories: readonly { readonly text: string; readonly line: number }[]
  /** Lines with `${NAME}`, for which pip and uv put in what they find in their environment. */
  readonly variables: readonly { readonly text: string; readonly line: number }[]
}

/** Reads a requirements file, only so far as to say where a name stands; resolving is pip's and uv's work. */
export function readRequirementFile(file: string, text: string): RequirementFile {
  const requirements: Requirement[] = []
  const includes: { path: string; line: number }[] = []
  const local: { text: string; line: number }[] = []
  const repositories: { text: string; line: number }[] = []
  const variables: { text: string; line: number }[] = []
  for (const { content, line } of logicalLines(text)) {
    const [, included] = /^(?:-r|--requirement|-c|--constraint)[\s=]*(\S+)/.exec(content) ?? []
    const [, name] = /^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?=[[<>=!~;@\s]|$)/.exec(content) ?? []
    if (hasVariable(content)) variables.push({ text: content, line })
    else if (REPOSITORY.test(content)) repositories.push({ text: content, line })
    else if (included !== undefined) includes.push({ path: included, line })
    else if (/^(-e|--editable)[\s=]|^\.{0,2}\/|^\.$|^file:/.test(content)) local.push({ text: content, line })
    else if (name !== undefined) requirements.push({ name: normalise(name), text: content, file, line })
  }
  return { requirements, includes, local, repositories, variables }
}

export function hasVariable(text: string): boolean {
  return /\$\{\w+\}/.test(text)
}

const REPOSITORY = /(^|@\s*|^(-e|--editable)[\s=]+)(git|hg|svn|bzr)\+/

/** Whether a requirement is taken from a repository, which has no file whose hash could be locked. */
export function isFromRepository(requirement: string): boolean {
  return REPOSITORY.test(requirement)
}

/** `[project] dependencies` of a pyproject.toml, each with its line; good enough to point at, not to resolve. */
export function readPyproject(file: string, text: string): Requirement[] {
  const found: Requirement[] = []
  let inside = false
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*dependencies\s*=\s*\[/.test(line)) inside = true
    if (!inside) continue
    for (const [, quoted] of line.matchAll(/["']([^"']+)["']/g)) {
      const [, name] = /^([A-Za-z0-9][A-Za-z0-9._-]*)/.exec(quoted ?? '') ?? []
      if (name !== undefined) found.push({ name: normalise(name), text: quoted ?? '', file, line: index + 1 })
    }
    if (/\]\s*(#.*)?$/.test(line)) inside = false
  }
  return found
}

export function normalise(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-')
}

/**
 * What a resolver printed, and after it each requirement that it names, with file and line: resolvers name
 * packages, people edit lines.
 */
export function explainResolution(output: string, requirements: readonly Requirement[]): string {
  const told = output.replaceAll(/^WARNING: .*$/gm, '')
  const words = new Set(Array.from(told.matchAll(/[A-Za-z0-9][A-Za-z0-9._-]*/g), ([word]) => normalise(word)))
  const named = requirements.filter(
    (requirement) =>
      output.includes(`${requirement.file} (line ${requirement.line})`) ||
      [...words].some((word) => mentions(word, requirement.name)),
  )
  const lines = named.map(
    (requirement) => `  ${requirement.file}:${requirement.line}: ${requirement.text.replaceAll(HASH_OPTION, '')}`,
  )
  const said = output
    .split('\n')
    .map((line) => line.replace(/^\s*(?:[×╰─▶│├]+\s*)+/u, '').trim())
    .filter((line) => line !== '' && !SAYS_NOTHING.test(line))
  return [...said.slice(-MOST_SAID_LINES), ...(lines.length === 0 ? [] : ['Change one of:', ...lines])].join('\n')
}

/** Of use to installers, and long. */
const HASH_OPTION = /\s+--hash[=\s]\S+/g

const MOST_SAID_LINES = 15

/** pip's warnings about the machine, and its advice, of which the lines to change are the better one. */
const SAYS_NOTHING =
  /^(WARNING: |To fix this you could try to|\d\. (loosen the range|remove package versions)|ERROR: ResolutionImpossible)/

/** `numpy-1.20` (from `numpy==1.20` or a file's name) mentions numpy; `numpydoc` does not. */
function mentions(word: string, name: string): boolean {
  return word === name || (word.startsWith(`${name}-`) && /^[0-9]/.test(word.slice(name.length + 1)))
}

function logicalLines(text: string): { content: string; line: number }[] {
  const lines: { content: string; line: number }[] = []
  let pending = ''
  let start = 0
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    if (pending === '') start = index + 1
    const content = raw.replace(/(^|\s)#.*$/, '')
    if (content.endsWith('\\')) {
      pending += `${content.slice(0, -1)} `
      continue
    }
    const whole = (pending + content).trim()
    pending = ''
    if (whole !== '') lines.push({ content: whole, line: start })
  }
  return lines
}
