import type { Role } from '../api/shapes.ts'

export const roles: readonly { value: Role; label: string; may: string }[] = [
  { value: 'owner', label: 'Owner', may: 'Owners decide everything: stores, people, keys, privacy.' },
  { value: 'analyst', label: 'Analyst', may: 'Analysts see all figures, and may take them elsewhere.' },
  { value: 'viewer', label: 'Viewer', may: 'Viewers see all figures.' },
]

export function roleLabel(role: Role): string {
  return roles.find((each) => each.value === role)?.label ?? role
}

/** `an owner`, `a viewer`. */
export function roleNoun(role: Role): string {
  const word = roleLabel(role).toLowerCase()
  return `${/^[aeiou]/.test(word) ? 'an' : 'a'} ${word}`
}
