/** The calls behind the settings: people, keys, logins and requests of the account. */

import { address, call, send, session } from './client.ts'
import { ProblemError, problemOf } from './problem.ts'
import type {
  ApiKey,
  AuditPage,
  Invitation,
  InvitationOffer,
  MadeKey,
  MadeSqlLogin,
  Member,
  NewKey,
  PrivacyRequest,
  Role,
  SentInvitation,
  SignInRecord,
  SqlLogins,
  TenantChanges,
  TenantSettings,
} from './shapes.ts'

const id = encodeURIComponent

export const account = {
  forgot: (email: string) => send<void>('POST', '/api/auth/password/forgot', { email }),
  reset: (token: string, password: string) =>
    send<void>('POST', '/api/auth/password/reset', { token, password }),
  changePassword: (current: string, next: string) =>
    send<void>('POST', '/api/auth/password', { current, new: next }),

  tenant: (signal: AbortSignal) => call<TenantSettings>('/api/tenant', { signal }),
  changeTenant: (change: TenantChanges) => send<TenantSettings>('PATCH', '/api/tenant', change),

  signIns: async (signal: AbortSignal) =>
    (await call<{ sessions: SignInRecord[] }>('/api/auth/sessions', { signal })).sessions,
  endSignIn: (which: string) => send<void>('DELETE', `/api/auth/sessions/${id(which)}`),

  members: async (signal: AbortSignal) =>
    (await call<{ members: Member[] }>('/api/members', { signal })).members,
  changeRole: (member: string, role: Role) => send<Member>('PATCH', `/api/members/${id(member)}`, { role }),
  removeMember: (member: string) => send<void>('DELETE', `/api/members/${id(member)}`),

  invitations: async (signal: AbortSignal) =>
    (await call<{ invitations: Invitation[] }>('/api/invitations', { signal })).invitations,
  invite: (email: string, role: Role) => send<SentInvitation>('POST', '/api/invitations', { email, role }),
  withdraw: (invitation: string) => send<void>('DELETE', `/api/invitations/${id(invitation)}`),
  lookUpInvitation: (token: string) => send<InvitationOffer>('POST', '/api/invitations/lookup', { token }),

  keys: async (signal: AbortSignal) => (await call<{ keys: ApiKey[] }>('/api/keys', { signal })).keys,
  makeKey: (key: NewKey) => send<MadeKey>('POST', '/api/keys', key),
  revokeKey: (key: string) => send<void>('DELETE', `/api/keys/${id(key)}`),

  sqlLogins: (signal: AbortSignal) => call<SqlLogins>('/api/sql-logins', { signal }),
  makeSqlLogin: (name: string) => send<MadeSqlLogin>('POST', '/api/sql-logins', { name }),
  revokeSqlLogin: (login: string) => send<void>('DELETE', `/api/sql-logins/${id(login)}`),

  audit: (cursor: string | null, limit: number, signal: AbortSignal) =>
    call<AuditPage>(address('/api/audit', { cursor, limit }), { signal }),

  privacyRequests: async (signal: AbortSignal) =>
    (await call<{ requests: PrivacyRequest[] }>('/api/privacy/requests', { signal })).requests,
}

export interface FetchedFile {
  readonly content: Blob
  /** What the server calls it, if it does. */
  readonly name: string | null
}

/** A file that needs the bearer token, which a plain link cannot carry. */
export async function fetchFile(path: string): Promise<FetchedFile> {
  const response = await session.fetch(path)
  if (!response.ok) throw new ProblemError(await problemOf(response))
  const name = /filename="([^"]+)"/.exec(response.headers.get('Content-Disposition') ?? '')?.[1] ?? null
  return { content: await response.blob(), name }
}

export function privacyFile(request: string, what: 'file' | 'receipt'): string {
  return `/api/privacy/requests/${id(request)}/${what}`
}
