const KEY = 'tidegate-token'
const COOKIE = 'tidegate_token'
const YEAR_S = 31_536_000

/** The token this browser is signed in with. */
export function storedToken(): string | undefined {
  return localStorage.getItem(KEY) ?? undefined
}

/** Event streams and links that fetch a file cannot send headers: they, and only they, need the cookie. */
export function storeToken(token: string): void {
  localStorage.setItem(KEY, token)
  document.cookie = `${COOKIE}=${token}; Path=/api; Max-Age=${YEAR_S}; SameSite=Strict${secure()}`
}

export function forgetToken(): void {
  localStorage.removeItem(KEY)
  document.cookie = `${COOKIE}=; Path=/api; Max-Age=0; SameSite=Strict${secure()}`
}

function secure(): string {
  return location.protocol === 'https:' ? '; Secure' : ''
}
