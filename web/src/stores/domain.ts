const PERMANENT = /^[a-z0-9][a-z0-9-]*\.myshopify\.com$/

/**
 * The permanent domain of what somebody types or pastes: a bare name, the domain, or an address of the shop
 * or its admin. Null where there is no such domain in it.
 */
export function permanentDomain(text: string): string | null {
  const trimmed = text.trim().toLowerCase()
  const admin = /admin\.shopify\.com\/store\/([a-z0-9-]+)/.exec(trimmed)
  const host = admin?.[1] ?? trimmed.replace(/^https?:\/\//, '').replace(/[/?#].*$/, '')
  const domain = host.includes('.') ? host : `${host}.myshopify.com`
  return PERMANENT.test(domain) ? domain : null
}
