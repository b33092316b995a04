import { AppError } from '../core/errors.ts'
import type { Python } from './find-python.ts'
import { runTool } from './run-tool.ts'

interface Place {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/**
 * Refuses a uv.lock that its pyproject.toml has outgrown. uv's own question, `--locked`, resolves anew, and says
 * no where this machine has another index than the one that locked: what both files say is compared instead.
 */
export async function checkUvLock(python: Python, pyproject: string, lock: string, place: Place): Promise<void> {
  const args = ['-I', '-c', COMPARE, pyproject, lock]
  const { ok, stdout, stderr } = await runTool({ ...place, program: python.executable, args })
  if (!ok) throw new AppError('INVALID_INPUT', `${lock} cannot be read: ${stderr.trim().split('\n').at(-1) ?? ''}`)
  if (stdout.trim() === '') return
  throw new AppError(
    'INVALID_INPUT',
    `${lock} is older than ${pyproject}: ${stdout.trim().split('\n').join('; ')}. Run \`uv lock\`, and commit ${lock}.`,
  )
}

/**
 * The lock repeats what the project asked for when it was made. Where a build computes that, where a name has a
 * source of its own, and for other members of a workspace, nothing is said.
 */
const COMPARE = String.raw`
import re, sys
try:
    import tomllib
except ImportError:
    from pip._vendor import tomli as tomllib


def read(path):
    with open(path, "rb") as file:
        return tomllib.load(file)


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def parts(specifier):
    text = re.sub(r"[\s()_-]", "", specifier.lower()).replace("alpha", "a").replace("beta", "b")
    return frozenset(part for part in text.split(",") if part)


def asked(lines):
    for line in lines:
        match = re.match(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*([^;@]*)", line) if isinstance(line, str) else None
        if match:
            yield plain(match[1]), parts(match[2])


project, lock = read(sys.argv[1]), read(sys.argv[2])
table = project.get("project", {})
name = plain(table.get("name", ""))
own = [one for one in lock.get("package", []) if one.get("name") == name and set(one.get("source", {}).values()) & {"."}]
if not own or "dependencies" in table.get("dynamic", []):
    sys.exit()
metadata = own[0].get("metadata", {})
uv = project.get("tool", {}).get("uv", {})
elsewhere = {plain(source) for source in uv.get("sources", {})} | {name}
lines = [*table.get("dependencies", []), *uv.get("dev-dependencies", [])]
for group in [*table.get("optional-dependencies", {}).values(), *project.get("dependency-groups", {}).values()]:
    lines += group
entries = [*metadata.get("requires-dist", [])]
for group in metadata.get("requires-dev", {}).values():
    entries += group
wanted = {wish for wish in asked(lines) if wish[0] not in elsewhere}
known = {(plain(one["name"]), parts(one.get("specifier", ""))) for one in entries if plain(one["name"]) not in elsewhere}
text = lambda wish: wish[0] + (" " + ",".join(sorted(wish[1])) if wish[1] else "")
for wish in sorted(wanted - known, key=text):
    print(f"the project asks for {text(wish)}")
for wish in sorted(known - wanted, key=text):
    print(f"the lock has {text(wish)}, which it does not ask for any more")
`
