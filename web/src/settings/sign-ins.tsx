import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { account } from '../api/account.ts'
import type { SignInRecord } from '../api/shapes.ts'
import { dateTime, distance } from '../domain/moments.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { useNow } from '../ui/clock.ts'
import { Confirm } from '../ui/confirm.tsx'
import { Row, Rows, RowsLoading } from '../ui/rows.tsx'
import { Failed } from '../ui/states.tsx'
import { agentWords } from './agents.ts'

export function SignIns() {
  const client = useQueryClient()
  const list = useQuery({
    queryKey: ['sign-ins'],
    queryFn: ({ signal }) => account.signIns(signal),
    // Others sign in and out without this page hearing of it.
    staleTime: 0,
  })
  const several = new Set(list.data?.map((each) => each.tenant)).size > 1
  const [ending, setEnding] = useState<SignInRecord | null>(null)

  return (
    <Card title="Signed in as you">
      {list.isError ? (
        <Failed what="Sign-ins" error={list.error} onRetry={() => void list.refetch()} />
      ) : list.data ? (
        <Rows label="Sign-ins">
          {list.data
            .toSorted((a, b) => Number(b.current) - Number(a.current))
            .map((each) => (
              <SignInRow key={each.id} signIn={each} several={several} onEnd={() => setEnding(each)} />
            ))}
        </Rows>
      ) : (
        <RowsLoading />
      )}
      {ending && (
        <Confirm
          title="End this sign-in?"
          action="End sign-in"
          run={() => account.endSignIn(ending.id)}
          onDone={() => client.invalidateQueries({ queryKey: ['sign-ins'] })}
          onClose={() => setEnding(null)}
        >
          {agentWords(ending.agent)}
          {ending.address && ` at ${ending.address}`} is signed out at once, and asked for the password when
          it comes back. If it was not you, change your password as well.
        </Confirm>
      )}
    </Card>
  )
}

interface SignInRowProps {
  signIn: SignInRecord
  /** Whether they are to more than one account. */
  several: boolean
  onEnd: () => void
}

function SignInRow({ signIn, several, onEnd }: SignInRowProps) {
  const now = useNow(60_000)
  return (
    <Row
      testId="sign-in"
      title={<span title={signIn.agent ?? undefined}>{agentWords(signIn.agent)}</span>}
      badges={signIn.current && <Badge tone="good">This browser</Badge>}
      facts={[
        signIn.address,
        several && `in ${signIn.tenant}`,
        `used ${distance(signIn.last_used_at, now)}`,
        `since ${dateTime(signIn.created_at)}`,
      ]}
      actions={!signIn.current && <Button onClick={onEnd}>End</Button>}
    />
  )
}
