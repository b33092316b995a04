import { execFile } from 'node:child_process'
import { access, mkdir, rename, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/tidegate-uv', import.meta.url))

/** A folder with uv in it: of PATH, else fetched once with pip and kept below node_modules. */
export async function folderOfUv(): Promise<string> {
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), join(CACHE, 'bin')]) {
    if (await answers(join(folder, 'uv'))) return folder
  }
  const temporary = `${CACHE}.${process.pid}`
  await run('python3', ['-m', 'pip', 'install', '--quiet', '--target', temporary, 'uv'])
  await rename(temporary, CACHE).catch(() => undefined)
  return join(CACHE, 'bin')
}

/** PATH of this machine without uv. */
export async function pathWithoutUv(): Promise<string> {
  const kept: string[] = []
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    if (!(await exists(join(folder, 'uv')))) kept.push(folder)
  }
  return kept.join(delimiter)
}

/** Tiny wheels, so that no test of ours waits for an index: name, version, what it requires, its modules. */
export async function makeWheels(
  folder: string,
  wheels: readonly {
    name: string
    version: string
    requires?: readonly string[]
    modules?: readonly string[]
    files?: Readonly<Record<string, string>>
  }[],
): Promise<void> {
  await mkdir(folder, { recursive: true })
  const script = join(folder, 'make.py')
  await writeFile(script, MAKE)
  await run('python3', [script, folder, JSON.stringify(wheels)])
}

const MAKE = `
import base64, hashlib, json, sys, zipfile
folder, wheels = sys.argv[1], json.loads(sys.argv[2])
for wheel in wheels:
    name, version = wheel["name"], wheel["version"]
    info = f"{name}-{version}.dist-info"
    files = {f"{module}/__init__.py": f"version = '{version}'\\n" for module in wheel.get("modules", [name])}
    files.update(wheel.get("files", {}))
    needs = "".join(f"Requires-Dist: {r}\\n" for r in wheel.get("requires", []))
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n{needs}"
    files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},{len(text)}\\n"
        for path, text in files.items()
    )
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\\n"
    with zipfile.ZipFile(f"{folder}/{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
`

/** Also from a bare environment, as the tests use it. */
async function answers(program: string): Promise<boolean> {
  return run(program, ['--version'], { env: { PATH: '/usr/bin:/bin' } }).then(
    () => true,
    () => false,
  )
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
