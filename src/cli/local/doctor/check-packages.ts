import { readFile } from 'node:fs/promises'
import { findInstaller, type Installer } from '../../../build/find-installer.ts'
import { findPython } from '../../../build/find-python.ts'
import { runTool, type ToolAnswer } from '../../../build/run-tool.ts'
import { isAppError } from '../../../core/errors.ts'
import { MACHINE_SETTINGS, type ToolSettings } from '../../../core/tool-settings.ts'
import { applyToolSettings } from '../../../flow/apply-tool-settings.ts'
import { toolEnvironment } from '../../../flow/tool-environment.ts'
import { canonicalJson } from '../../../lib/canonical-json.ts'
import type { ServerConfig } from '../server-config.ts'
import { missing, ok, type Check } from './check.ts'

const PATIENCE_MS = 60_000

/** Asks the index that server.yaml names, by the tool that build environments are made with. Nothing named: nothing asked. */
export async function checkPackages(config: ServerConfig): Promise<Check[]> {
  const settings = config.tools ?? MACHINE_SETTINGS
  if (canonicalJson(settings) === canonicalJson(MACHINE_SETTINGS)) return []
  const certificates = await checkCertificates(settings.network.ca)
  if (certificates !== undefined) return [certificates]
  const { env, secrets } = toolEnvironment(applyToolSettings(process.env, settings))
  return [await askIndex({ ...env, ...secrets }, settings)]
}

async function checkCertificates(file: string | undefined): Promise<Check | undefined> {
  if (file === undefined) return undefined
  const todo = 'Correct `network.ca`: a file of certificates in PEM form.'
  const text = await readFile(file, 'utf8').catch((error: unknown) => error as Error)
  if (typeof text !== 'string') return missing('packages', `${file} cannot be read: ${text.message}`, todo)
  return text.includes('-----BEGIN CERTIFICATE-----')
    ? undefined
    : missing('packages', `${file} holds no certificate`, todo)
}

async function askIndex(env: Readonly<Record<string, string>>, settings: ToolSettings): Promise<Check> {
  const signal = AbortSignal.timeout(PATIENCE_MS)
  const where = plainAddress(settings.packages.indexUrl ?? env['PIP_INDEX_URL']) ?? 'the index of this machine'
  const todo = 'Correct `packages` and `network`; a name and password stand in the address, or in ~/.netrc.'
  try {
    const python = await findPython({ env, forOtherUser: false, signal })
    const installer = await findInstaller(python, env, signal)
    const answer = await ask(installer, python.executable, signal)
    return answered(answer)
      ? ok('packages', `${where} answers ${installer.kind}`)
      : missing('packages', `${where} does not answer ${installer.kind}: ${whyNot(answer)}`, todo)
  } catch (error) {
    if (signal.aborted) return missing('packages', `${where} has not answered in ${PATIENCE_MS / 1_000} s`, todo)
    if (!isAppError(error)) throw error
    return missing('packages', error.message, todo)
  }
}

/** For a package that every mirror has; that an index has only others is an answer too. */
function ask({ kind, program, env }: Installer, python: string, signal: AbortSignal): Promise<ToolAnswer> {
  const asked = { program, cwd: '/', env: { ...env, NO_COLOR: '1', UV_HTTP_RETRIES: '1' }, signal }
  return kind === 'uv'
    ? runTool({ ...asked, args: [...ASK_UV, '--python', python], input: 'pip\n' })
    : runTool({
        ...asked,
        args: ['-m', 'pip', 'download', ...ASK_PIP, '--dest', '/dev/null', 'no-such-package-of-tidegate'],
      })
}

const ASK_UV = ['pip', 'compile', '-', '--no-cache', '--quiet', '--no-header', '--no-python-downloads']
/** Only then does pip say of an index that it answered with 401. */
const ASK_PIP = ['-vv', '--no-deps', '--no-cache-dir', '--retries', '1', '--timeout', '20']

const REFUSED =
  /\b40[137]\b|timed out|certificate verify|SSLError|ProxyError|connection (refused|broken|reset)|sending request|connect error|dns error/i

function answered(answer: ToolAnswer): boolean {
  if (answer.ok) return true
  const said = linesOf(answer)
  return said.some((line) => NOTHING_FOUND.test(line)) && !said.some((line) => REFUSED.test(line))
}

/** Both tools end so where the index has other packages, and where they could not ask it. */
const NOTHING_FOUND = /not found in the package registry|No matching distribution/

function whyNot(answer: ToolAnswer): string {
  const lines = linesOf(answer)
  const telling = lines.filter((line) => REFUSED.test(line))
  return (telling.length > 0 ? telling : lines).slice(-2).join('; ').slice(0, 500)
}

/** Without passwords, and without the frames that uv draws. */
function linesOf({ stdout, stderr }: ToolAnswer): string[] {
  return `${stdout}\n${stderr}`
    .replaceAll(/:\/\/[^/@\s]*@/g, '://')
    .split('\n')
    .map((line) => line.replace(/^[\s×╰─▶│├]+/u, '').trim())
    .filter((line) => line !== '')
}

function plainAddress(url: string | undefined): string | undefined {
  return url?.replace(/:\/\/[^/@]*@/, '://')
}
