import type { SqlLogin } from '../api/shapes.ts'

/** What to type in a shell; without the password, which then is neither in its history nor in the process list. */
export function psqlCommand(login: Pick<SqlLogin, 'host' | 'port' | 'database' | 'username'>): string {
  const parts = [
    ['-h', login.host],
    ['-p', String(login.port)],
    ['-U', login.username],
    ['-d', login.database],
  ] as const
  return ['psql', ...parts.flatMap(([flag, value]) => [flag, quoted(value)])].join(' ')
}

/** As a POSIX shell takes it, whatever is in it. */
function quoted(value: string): string {
  return /^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`
}
