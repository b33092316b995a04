import { AppError } from '../core/errors.ts'
import { whyNoBubblewrap } from '../lib/bubblewrap.ts'

/** Whether commands of steps run in a sandbox: what `server.yaml` asks for, tried out as the user they run as. */
export async function chooseSandbox(wanted: 'required' | 'auto' | 'off', firstUser: number): Promise<boolean> {
  if (wanted === 'off') return false
  const isRoot = process.getuid?.() === 0
  const why = await whyNoBubblewrap(isRoot ? { uid: firstUser, gid: firstUser } : undefined)
  if (why === undefined) return true
  if (wanted === 'auto') return false
  throw new AppError(
    'INVALID_INPUT',
    `server.yaml asks for a sandbox around steps (\`sandbox: required\`), but bubblewrap does not work here: ${why}. Install it (\`apt install bubblewrap\`), allow user namespaces, or write \`sandbox: auto\`.`,
  )
}
