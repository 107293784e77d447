/** Lines of the audit log in words. Actions are `thing.what_became_of_it`; one that is new is read as it stands. */

const words: Record<string, string> = {
  'account.registered': 'Created the account',
  'tenant.changed': 'Changed the account',
  'session.signed_in': 'Signed in',
  'session.signed_out': 'Signed out',
  'session.refused': 'Sign-in refused',
  'session.switched': 'Came over from another account',
  'session.ended': 'Ended a sign-in',
  'password.changed': 'Changed the password',
  'password.reset': 'Reset the password',
  'password.link_asked': 'Asked for a password link',
  'member.invited': 'Invited',
  'member.joined': 'Joined',
  'member.left': 'Left',
  'member.removed': 'Removed a member',
  'member.role_changed': 'Changed a role',
  'invitation.withdrawn': 'Withdrew an invitation',
  'sql_login.made': 'Made an SQL login',
  'sql_login.revoked': 'Revoked an SQL login',
  'key.made': 'Made an API key',
  'key.revoked': 'Revoked an API key',
  'store.connected': 'Connected a store',
  'store.changed': 'Changed a store',
  'store.removed': 'Removed a store',
  'store.uninstalled': 'Store uninstalled the app',
  'store.scopes_changed': 'Store changed what may be read',
  'store.lost': 'Store went to another account',
  'store.claimed': 'Store proved to be another account’s',
  'store.transfer_offered': 'Offered a store for transfer',
  'privacy.requested': 'Privacy request received',
  'privacy.done': 'Privacy request done',
  'privacy.receipt_downloaded': 'Downloaded a receipt',
  'privacy.file_downloaded': 'Downloaded a customer’s data',
}

export function actionWords(action: string): string {
  const known = Object.hasOwn(words, action) ? words[action] : undefined
  if (known) return known
  const [thing = action, became = ''] = action.split('.')
  const text = `${thing} ${became}`.replaceAll('_', ' ').trim()
  return text.charAt(0).toUpperCase() + text.slice(1)
}

const actors: Record<string, string> = {
  operator: 'Operator',
  tillstream: 'Tillstream',
  shopify: 'Shopify',
}

/** A person's address as it is; those who are no person, by name. */
export function actorWords(actor: string | null): string {
  if (!actor) return 'Tillstream'
  return (Object.hasOwn(actors, actor) ? actors[actor] : undefined) ?? actor
}

/** How a store came over; that nobody else had it is nothing to tell of. */
const hows: Record<string, string> = {
  free: '',
  won: 'proved in Shopify, over a claim of another account',
  transferred: 'by a transfer code',
}

/** `role: owner · before: viewer`; empty where there is nothing to say. */
export function detailWords(detail: unknown): string {
  if (detail === null || detail === undefined) return ''
  if (typeof detail !== 'object') return String(detail)
  return Object.entries(detail)
    .map(([name, value]) => [name, name === 'how' ? (hows[String(value)] ?? value) : value] as const)
    .filter(([, value]) => value !== null && value !== '' && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => `${name.replaceAll('_', ' ')}: ${valueWords(value)}`)
    .join(' · ')
}

function valueWords(value: unknown): string {
  if (Array.isArray(value)) return value.map(valueWords).join(', ')
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
