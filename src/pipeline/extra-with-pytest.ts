/**
 * The dependency group or extra of a pyproject.toml that brings pytest, as far as that can be read off it
 * without its interpreter.
 */
export function extraWithPytest(pyproject: string): string | undefined {
  for (const table of ['dependency-groups', String.raw`project\.optional-dependencies`]) {
    const [, lines = ''] = new RegExp(String.raw`^\[${table}\]\s*$((?:\n(?!\[).*)*)`, 'm').exec(pyproject) ?? []
    for (const [, name, list = ''] of lines.matchAll(LISTS)) if (PYTEST.test(list)) return name
  }
  return undefined
}

/** `dev = ["ruff", "pytest[x]>=8"]`, on one line or on several. */
const LISTS = /^["']?([\w.-]+)["']?\s*=\s*\[((?:"[^"]*"|'[^']*'|[^\]"'])*)\]/gm

const PYTEST = /["']pytest(?![\w.-])/
