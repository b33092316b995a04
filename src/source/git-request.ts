/** One of the requests that git clients make. Anything else under `/<repository>.git/` does not exist. */
export interface GitRequest {
  readonly repository: string
  readonly service: 'upload-pack' | 'receive-pack'
  /** `advertise` asks for the refs, `call` does the work. */
  readonly kind: 'advertise' | 'call'
}

const PATH = /^\/(?<repository>[a-z0-9][a-z0-9-]{0,62})\.git\/(?<rest>[^?]*)(?:\?(?<query>.*))?$/

export function isGitPath(url: string): boolean {
  return PATH.test(url)
}

export function parseGitRequest(method: string, url: string): GitRequest | undefined {
  const found = PATH.exec(url)?.groups
  if (found === undefined) return undefined
  const repository = found['repository']!
  if (method === 'GET' && found['rest'] === 'info/refs') {
    const service = asService(new URLSearchParams(found['query'] ?? '').get('service') ?? '')
    return service === undefined ? undefined : { repository, service, kind: 'advertise' }
  }
  const service = asService(found['rest']!)
  return method === 'POST' && service !== undefined ? { repository, service, kind: 'call' } : undefined
}

function asService(name: string): GitRequest['service'] | undefined {
  if (name === 'git-upload-pack') return 'upload-pack'
  return name === 'git-receive-pack' ? 'receive-pack' : undefined
}

/** The token of `Authorization: Bearer <token>`, or the password of `Basic`, whatever the user's name. */
export function tokenOf(authorization: string | undefined): string | undefined {
  const [scheme, credentials] = (authorization ?? '').split(/ +/, 2)
  if (credentials === undefined || credentials === '') return undefined
  if (scheme?.toLowerCase() === 'bearer') return credentials
  if (scheme?.toLowerCase() !== 'basic') return undefined
  const text = Buffer.from(credentials, 'base64').toString('utf8')
  const password = text.slice(text.indexOf(':') + 1)
  return password === '' ? undefined : password
}

/** What the client may say in `Git-Protocol`; it becomes a variable of git's. */
export function protocolOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && /^[a-z0-9=.:-]{1,100}$/.test(header) ? header : undefined
}
