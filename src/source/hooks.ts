import { randomUUID } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

/**
 * The hooks of every repository: thin POSIX sh, because each push waits for them and sh starts in a
 * millisecond. Descriptor 3 is a socket to the server, which git passes on from `receive-pack` to its
 * hooks. A dead server is the end of that socket, so a hook never waits for one.
 */
const HOOKS = {
  // Refs have not moved yet. The server writes down what is about to move and says ok, or why not. Until then
  // git keeps what was sent in a folder of its own. Each line of what a pusher wrote (git has not looked at the names yet, and
  // options may hold anything) says what it is, so that none passes for one of ours.
  'pre-receive': `#!/bin/sh
{ echo pre && echo "quarantine \${GIT_QUARANTINE_PATH##*/}" && sed 's/^/ref /' && echo end; } >&3 2>/dev/null
IFS= read -r answer <&3 && [ "$answer" = ok ] && exit 0
printf '%s\\n' "\${answer:-The server stopped before it took the push. Push again.}" >&2
exit 1
`,
  // Refs have moved. What the server says is shown to the pusher line by line until it says ".".
  'post-receive': `#!/bin/sh
trap '' PIPE
options() {
  i=0
  while [ "$i" -lt "$GIT_PUSH_OPTION_COUNT" ]; do
    eval "printf '%s\\n' \\"\\$GIT_PUSH_OPTION_$i\\""
    i=$((i + 1))
  done
}
{
  echo post && sed 's/^/ref /'
  [ "\${GIT_PUSH_OPTION_COUNT:-0}" -eq 0 ] || options | sed 's/^/option /'
  echo end
} >&3 2>/dev/null
while IFS= read -r line <&3; do
  case $line in
    .) exit 0 ;;
    '|'*) printf '%s\\n' "\${line#?}" ;;
  esac
done
echo 'The server stopped. The push is stored, and its run goes on when the server is back.'
`,
} as const

/** Changes with what hooks and server say to each other, so that an upgrade never mixes two. */
const VERSION = 'v3'

/** Writes `<data>/hooks/v3` and answers its path, for `core.hooksPath`. */
export async function writeHooks(dataFolder: string): Promise<string> {
  const folder = resolve(dataFolder, 'hooks', VERSION)
  await mkdir(folder, { recursive: true })
  for (const [name, text] of Object.entries(HOOKS)) {
    const temporary = join(folder, `.${name}.${randomUUID()}`)
    await writeFile(temporary, text, { mode: 0o755 })
    await rename(temporary, join(folder, name))
  }
  return folder
}
