/**
 * Who is signed in. The access token lives in memory only; what survives a reload is an http-only cookie that
 * scripts cannot read, and which `POST /api/auth/refresh` turns into the next access token.
 */

import { ProblemError, problemOf, unreachable } from './problem.ts'
import type { Session } from './shapes.ts'

export type SessionState =
  | { readonly status: 'restoring' }
  | { readonly status: 'unreachable' }
  | { readonly status: 'signed-out' }
  | { readonly status: 'signed-in'; readonly session: Session; readonly expiresAt: number }

export interface SessionPorts {
  readonly fetch: typeof fetch
  readonly now: () => number
  /** Runs one refresh at a time over all tabs: each spends the cookie that the one before it set. */
  readonly exclusively: <T>(run: () => Promise<T>) => Promise<T>
  readonly setTimer: (run: () => void, ms: number) => unknown
  readonly clearTimer: (timer: unknown) => void
}

/** A token this close to its end is renewed before it is used. */
const RENEW_BEFORE_MS = 60_000
const RETRY_RENEWAL_MS = 10_000

export interface Acceptance {
  readonly token: string
  /** Of the account with the invited address: the one it has, or the one it gets. */
  readonly password: string
  readonly name?: string
}

export interface SessionKeeper {
  readonly state: () => SessionState
  readonly subscribe: (listener: () => void) => () => void
  /** Asks for a session with the cookie; for the first load, and to try again. */
  readonly restore: () => Promise<void>
  readonly signIn: (email: string, password: string) => Promise<void>
  readonly register: (email: string, password: string, name: string) => Promise<void>
  /** Goes over to another account of the same person. */
  readonly switchTo: (tenant: string) => Promise<void>
  /** Joins the account of an invitation, and enters it. */
  readonly accept: (invitation: Acceptance) => Promise<void>
  readonly signOut: () => Promise<void>
  /** `fetch` with the bearer token; renews it before it ends, and once when the server says 401. */
  readonly fetch: (path: string, init?: RequestInit) => Promise<Response>
}

export function sessionKeeper(ports: SessionPorts): SessionKeeper {
  let state: SessionState = { status: 'restoring' }
  let renewing: Promise<boolean> | null = null
  let timer: unknown
  const listeners = new Set<() => void>()

  function become(next: SessionState): void {
    state = next
    if (timer !== undefined) ports.clearTimer(timer)
    timer = undefined
    if (next.status === 'signed-in') {
      const wait = Math.max(1000, next.expiresAt - ports.now() - RENEW_BEFORE_MS)
      timer = ports.setTimer(() => void renew(), Math.min(wait, 2 ** 31 - 1))
    }
    for (const listener of listeners) listener()
  }

  function enter(session: Session): void {
    become({ status: 'signed-in', session, expiresAt: ports.now() + session.expires_in * 1000 })
  }

  async function post(path: string, body?: unknown): Promise<Response> {
    const init: RequestInit = { method: 'POST', credentials: 'same-origin' }
    if (body !== undefined) {
      init.headers = { 'Content-Type': 'application/json' }
      init.body = JSON.stringify(body)
    }
    try {
      return await ports.fetch(path, init)
    } catch {
      throw new ProblemError(unreachable)
    }
  }

  /** True when there is a fresh token. One call at a time: whoever comes meanwhile shares its outcome. */
  function renew(): Promise<boolean> {
    renewing ??= ports.exclusively(renewOnce).finally(() => {
      renewing = null
    })
    return renewing
  }

  async function renewOnce(): Promise<boolean> {
    let response: Response
    try {
      response = await post('/api/auth/refresh')
    } catch {
      return renewalFailed()
    }
    if (response.ok) {
      enter((await response.json()) as Session)
      return true
    }
    if (response.status >= 500 || response.status === 429) return renewalFailed()
    become({ status: 'signed-out' })
    return false
  }

  /** Being offline does not sign anybody out: try again while the page is open. */
  function renewalFailed(): false {
    if (state.status === 'restoring') become({ status: 'unreachable' })
    if (state.status === 'signed-in') timer = ports.setTimer(() => void renew(), RETRY_RENEWAL_MS)
    return false
  }

  async function enterWith(path: string, body: unknown): Promise<void> {
    const response = await post(path, body)
    if (!response.ok) throw new ProblemError(await problemOf(response))
    enter((await response.json()) as Session)
  }

  /** The answer decides which tenant this page is in from here on; nothing may renew the old one meanwhile. */
  async function switchTo(tenant: string): Promise<void> {
    if (state.status === 'signed-in' && state.expiresAt <= ports.now()) await renew()
    await ports.exclusively(async () => {
      const response = await withToken('/api/auth/switch', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ tenant }),
      })
      if (!response.ok) throw new ProblemError(await problemOf(response))
      enter((await response.json()) as Session)
    })
  }

  function withToken(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers)
    if (state.status === 'signed-in') headers.set('Authorization', `Bearer ${state.session.token}`)
    return ports.fetch(path, { ...init, headers, credentials: 'same-origin' })
  }

  return {
    state: () => state,
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    restore: async () => {
      if (state.status === 'unreachable') become({ status: 'restoring' })
      await renew()
    },
    signIn: (email, password) => enterWith('/api/auth/login', { email, password }),
    register: (email, password, name) =>
      enterWith('/api/auth/register', name ? { email, password, name } : { email, password }),
    switchTo,
    accept: (invitation) => enterWith('/api/invitations/accept', invitation),
    signOut: async () => {
      try {
        await post('/api/auth/logout')
      } finally {
        become({ status: 'signed-out' })
      }
    },
    fetch: async (path, init = {}) => {
      if (state.status === 'signed-in' && state.expiresAt <= ports.now()) await renew()
      const response = await withToken(path, init)
      if (response.status !== 401) return response
      return (await renew()) ? withToken(path, init) : response
    },
  }
}
