import { Fragment, useEffect, useRef, type ReactNode } from 'react'
import { useOwner } from '../session/use-session.ts'
import { classes } from '../ui/classes.ts'
import { Link, usePlace } from '../ui/location.tsx'
import { OwnersOnly } from '../ui/owners-only.tsx'
import { Empty } from '../ui/states.tsx'
import { useTitle } from '../ui/title.ts'
import { AuditLog } from './audit.tsx'
import { ApiKeys } from './keys.tsx'
import { Privacy } from './privacy.tsx'
import { Profile } from './profile.tsx'
import { SignIns } from './sign-ins.tsx'
import { SqlAccess } from './sql.tsx'
import { Team } from './team.tsx'

interface Section {
  readonly id: string
  readonly label: string
  /** What the page is for, in a sentence below its heading. */
  readonly about: string
  readonly Page: () => ReactNode
  readonly ownersOnly?: boolean
}

const groups: readonly { readonly label: string; readonly sections: readonly Section[] }[] = [
  {
    label: 'You',
    sections: [
      { id: 'profile', label: 'Profile', about: 'Who you are here, and your password.', Page: Profile },
      {
        id: 'sessions',
        label: 'Sign-ins',
        about: 'Every browser that is signed in as you. End those that you do not know.',
        Page: SignIns,
      },
    ],
  },
  {
    label: 'Account',
    sections: [
      {
        id: 'team',
        label: 'Team',
        about: 'Who sees this account’s stores, and what they may do.',
        Page: Team,
      },
      {
        id: 'keys',
        label: 'API keys',
        about: 'For programs that ask the API. A key reaches only what its scopes name.',
        Page: ApiKeys,
        ownersOnly: true,
      },
      {
        id: 'sql',
        label: 'SQL access',
        about: 'Read your own data with psql, Metabase or anything that speaks PostgreSQL.',
        Page: SqlAccess,
        ownersOnly: true,
      },
      {
        id: 'audit',
        label: 'Audit log',
        about: 'Who signed in, changed access, connected stores or took data out.',
        Page: AuditLog,
        ownersOnly: true,
      },
      {
        id: 'privacy',
        label: 'Privacy',
        about: 'What shoppers and Shopify asked to see or erase, and how long data is kept.',
        Page: Privacy,
        ownersOnly: true,
      },
    ],
  },
]

const sections = groups.flatMap((group) => group.sections)

export default function Settings() {
  const { path } = usePlace()
  const owner = useOwner()
  const id = path.split('/')[2] ?? 'profile'
  const section = sections.find((each) => each.id === id)
  useTitle(section?.label ?? 'Settings')

  return (
    <div className="mx-auto grid max-w-5xl grid-cols-1 gap-x-8 gap-y-4 md:grid-cols-[11rem_minmax(0,1fr)]">
      <SectionLinks current={section?.id} owner={owner} />
      <div className="min-w-0">
        {section ? (
          <>
            <h1 className="text-[22px] font-semibold tracking-[-0.02em]">{section.label}</h1>
            <p className="mt-0.5 mb-5 text-ink-3">{section.about}</p>
            {section.ownersOnly && !owner ? (
              <OwnersOnly what={section.label} />
            ) : (
              <div className="flex flex-col gap-4">
                <section.Page key={section.id} />
              </div>
            )}
          </>
        ) : (
          <Empty title="There is no such setting">
            <Link href="/settings" className="text-accent hover:underline">
              Go to your profile
            </Link>
          </Empty>
        )}
      </div>
    </div>
  )
}

function SectionLinks({ current, owner }: { current: string | undefined; owner: boolean }) {
  const nav = useRef<HTMLElement>(null)
  // On a phone the links stand in one line: the current one is brought into it.
  useEffect(() => {
    const here = nav.current?.querySelector<HTMLElement>(`[href="/settings/${current}"]`)
    if (nav.current && here)
      nav.current.scrollLeft = here.offsetLeft - nav.current.offsetWidth / 2 + here.offsetWidth / 2
  }, [current])
  return (
    <nav
      ref={nav}
      aria-label="Settings"
      className="relative -mx-4 flex gap-0.5 overflow-x-auto px-4 max-md:pb-1 md:sticky md:top-20 md:mx-0 md:flex-col md:self-start md:px-0"
    >
      {groups.map((group) => {
        const shown = group.sections.filter((section) => owner || !section.ownersOnly)
        if (shown.length === 0) return null
        return (
          <Fragment key={group.label}>
            <p className="mt-4 mb-1 px-2.5 text-xs text-ink-3 first:mt-1 max-md:hidden">{group.label}</p>
            {shown.map((section) => (
              <Link
                key={section.id}
                href={`/settings/${section.id}`}
                aria-current={section.id === current ? 'page' : undefined}
                className={classes(
                  'rounded-lg px-2.5 py-1.5 font-medium whitespace-nowrap transition-colors',
                  section.id === current ? 'bg-sunken text-ink' : 'text-ink-3 hover:text-ink',
                )}
              >
                {section.label}
              </Link>
            ))}
          </Fragment>
        )
      })}
    </nav>
  )
}
