import type { Role } from '../api/shapes.ts'

export const roles: readonly { value: Role; label: string; may: string }[] = [
  { value: 'owner', label: 'Owner', may: 'Everything: stores, people, keys, privacy.' },
  { value: 'analyst', label: 'Analyst', may: 'Sees every figure and may export them.' },
  { value: 'viewer', label: 'Viewer', may: 'Sees the figures.' },
]

export function roleLabel(role: Role): string {
  return roles.find((each) => each.value === role)?.label ?? role
}

/** `an owner`, `a viewer`. */
export function roleNoun(role: Role): string {
  const word = roleLabel(role).toLowerCase()
  return `${/^[aeiou]/.test(word) ? 'an' : 'a'} ${word}`
}
