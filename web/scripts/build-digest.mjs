// The build is committed, so that users of the Python package need no Node. This keeps it honest:
// `write` stores a digest of all that goes into the build; `check` fails when that has changed since.
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const web = join(dirname(fileURLToPath(import.meta.url)), '..')
const record = join(web, '../src/tillstream/serve/static/build.json')
const single = ['index.html', 'package.json', 'package-lock.json', 'tsconfig.json', 'vite.config.ts']

/** The sources, sorted by name, with the line endings that git stores. */
function sources() {
  const under = ['src', 'public'].flatMap((folder) =>
    readdirSync(join(web, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(web, join(entry.parentPath, entry.name))),
  )
  return [...single, ...under].toSorted()
}

/** SHA-256 over the names and contents of everything that the build is made of. */
export function sourceDigest() {
  const hash = createHash('sha256')
  for (const name of sources()) {
    hash.update(`${name}\0`)
    hash.update(readFileSync(join(web, name)))
    hash.update('\0')
  }
  return hash.digest('hex')
}

/** The digest that the committed build was made from, or null when there is no build. */
export function builtDigest() {
  try {
    return JSON.parse(readFileSync(record, 'utf8')).sources
  } catch {
    return null
  }
}

const command = process.argv[1] === fileURLToPath(import.meta.url) ? process.argv[2] : undefined
if (command === 'write') writeFileSync(record, `${JSON.stringify({ sources: sourceDigest() }, null, 2)}\n`)
if (command === 'check' && builtDigest() !== sourceDigest()) {
  console.error('The committed dashboard build is stale: run `npm run build` in web/ and commit the result.')
  process.exit(1)
}
