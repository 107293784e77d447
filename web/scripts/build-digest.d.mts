export function sourceDigest(): string
export function builtDigest(): string | null
