/** Where to go after signing in, from an address that anybody may have written. */

/** The parts of the API that a browser is meant to be sent to. */
const DOORS = /^\/api\/auth\/(shopify|install)(\/|\?|$)/

/**
 * The path, if it is one of this page's own or the beginning of connecting a store; else `/`. Anything that a
 * browser could read as another origin (`//host`, `/\host`, a scheme, hidden control characters) is refused.
 */
export function localPath(text: string | null, origin: string): string {
  if (!text || !text.startsWith('/') || text.startsWith('//')) return '/'
  // oxlint-disable-next-line no-control-regex -- they are what is refused: browsers drop them from addresses
  if (/[\\\u0000-\u0020\u007f]/.test(text)) return '/'
  let url: URL
  try {
    url = new URL(text, origin)
  } catch {
    return '/'
  }
  if (url.origin !== origin) return '/'
  const path = url.pathname + url.search
  // `/.//host` is told apart from `//host` only until it is tidied.
  if (path.startsWith('//') || url.pathname === '/sign-in') return '/'
  return url.pathname.startsWith('/api/') && !DOORS.test(path) ? '/' : path
}

/** Whether the server, and not this page, answers at the path. */
export function leavesThePage(path: string): boolean {
  return path.startsWith('/api/')
}

/** What stands behind `#token=` in an address: fragments are never sent to a server, so they are in no log. */
export function tokenIn(fragment: string): string | null {
  return new URLSearchParams(fragment.replace(/^#/, '')).get('token') || null
}
