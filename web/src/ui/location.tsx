/** The address bar as the page's state: a path and its parameters, and nothing more of a router. */

import { useMemo, useSyncExternalStore, type AnchorHTMLAttributes, type MouseEvent } from 'react'

const listeners = new Set<() => void>()

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  addEventListener('popstate', listener)
  return () => {
    listeners.delete(listener)
    removeEventListener('popstate', listener)
  }
}

export interface Place {
  readonly path: string
  readonly search: URLSearchParams
}

export function usePlace(): Place {
  const href = useSyncExternalStore(subscribe, () => location.pathname + location.search)
  return useMemo(() => {
    const url = new URL(href, location.origin)
    return { path: url.pathname.replace(/\/+$/, '') || '/', search: url.searchParams }
  }, [href])
}

export function go(href: string, how: 'push' | 'replace' = 'push'): void {
  if (href === location.pathname + location.search) return
  history[how === 'push' ? 'pushState' : 'replaceState'](null, '', href)
  for (const listener of listeners) listener()
}

/** Changes parameters of the address; null removes one, while an empty one says something. */
export function setSearch(changes: Record<string, string | null>, how: 'push' | 'replace' = 'push'): void {
  const search = new URLSearchParams(location.search)
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) search.delete(name)
    else search.set(name, value)
  }
  const text = search.toString()
  go(text ? `${location.pathname}?${text}` : location.pathname, how)
}

export function Link({ href, onClick, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string }) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event)
    if (event.defaultPrevented || event.button !== 0) return
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    go(href)
    scrollTo({ top: 0 })
  }
  // oxlint-disable-next-line jsx-a11y/anchor-has-content -- the caller gives the content
  return <a href={href} onClick={follow} {...rest} />
}
