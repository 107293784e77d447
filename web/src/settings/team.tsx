import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { LogOut, MailPlus, UserMinus } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { account } from '../api/account.ts'
import { session } from '../api/client.ts'
import { faultOf, sentenceOf } from '../api/problem.ts'
import type { Invitation, Member, SentInvitation, Role } from '../api/shapes.ts'
import { distance, isPast, shortDate } from '../domain/moments.ts'
import { roleLabel, roleNoun, roles } from '../domain/roles.ts'
import { useOwner, useSession } from '../session/use-session.ts'
import { Badge } from '../ui/badge.tsx'
import { Button, IconButton } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { useNow } from '../ui/clock.ts'
import { Confirm } from '../ui/confirm.tsx'
import { Copyable } from '../ui/copy.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Field } from '../ui/field.tsx'
import { Row, Rows, RowsLoading } from '../ui/rows.tsx'
import { Select } from '../ui/select.tsx'
import { Alert, Empty, Failed } from '../ui/states.tsx'

export function Team() {
  const owner = useOwner()
  return (
    <>
      <Members owner={owner} />
      {owner && <Invitations />}
    </>
  )
}

function Members({ owner }: { owner: boolean }) {
  const client = useQueryClient()
  const state = useSession()
  const [removing, setRemoving] = useState<Member | null>(null)
  const members = useQuery({
    queryKey: ['members'],
    queryFn: ({ signal }) => account.members(signal),
    staleTime: 0,
  })
  const self = state.status === 'signed-in' ? state.session.user.id : null
  const owners = members.data?.filter((member) => member.role === 'owner').length ?? 0

  return (
    <Card title="Members">
      {members.isError ? (
        <Failed what="Members" error={members.error} onRetry={() => void members.refetch()} />
      ) : members.data ? (
        <Rows label="Members">
          {members.data.map((member) => (
            <MemberRow
              key={member.id}
              member={member}
              self={member.id === self}
              owner={owner}
              lastOwner={member.role === 'owner' && owners === 1}
              onRemove={() => setRemoving(member)}
            />
          ))}
        </Rows>
      ) : (
        <RowsLoading />
      )}
      {removing &&
        (removing.id === self ? (
          <Confirm
            title="Leave this account?"
            action="Leave"
            run={() => account.removeMember(removing.id)}
            // The sign-in to this account has ended with the membership.
            onDone={() => session.signOut()}
            onClose={() => setRemoving(null)}
          >
            You are signed out, and no longer see its stores; the API keys that you made here end. If you
            belong to no other account, you cannot sign in again unless somebody invites you.
          </Confirm>
        ) : (
          <Confirm
            title={`Remove ${removing.name || removing.email}?`}
            action="Remove member"
            run={() => account.removeMember(removing.id)}
            onDone={() => client.invalidateQueries({ queryKey: ['members'] })}
            onClose={() => setRemoving(null)}
          >
            {removing.email} is signed out of this account at once and no longer sees its stores. API keys and
            invitations of theirs end too. SQL logins stay: revoke those that they know the password of.
          </Confirm>
        ))}
    </Card>
  )
}

interface MemberRowProps {
  member: Member
  self: boolean
  /** Whether whoever looks may change roles. */
  owner: boolean
  lastOwner: boolean
  onRemove: () => void
}

function MemberRow({ member, self, owner, lastOwner, onRemove }: MemberRowProps) {
  const client = useQueryClient()
  const [asking, setAsking] = useState<Role | null>(null)
  const change = useMutation({
    mutationFn: (role: Role) => account.changeRole(member.id, role),
    onSettled: () => client.invalidateQueries({ queryKey: ['members'] }),
  })
  const choose = (role: Role) => {
    // What is given is given at once; what takes one's own rights away is asked about first.
    if (self) setAsking(role)
    else change.mutate(role)
  }
  const name = member.name || member.email
  return (
    <Row
      testId="member"
      title={name}
      badges={self && <Badge tone="quiet">You</Badge>}
      facts={[member.name && member.email, `since ${shortDate(member.since)}`]}
      actions={
        owner ? (
          <>
            <Select
              bare
              label={`Role of ${name}`}
              className="w-32"
              disabled={lastOwner || change.isPending}
              title={lastOwner ? 'An account keeps at least one owner.' : undefined}
              options={roles}
              value={change.isPending ? change.variables : member.role}
              onChange={(event) => choose(event.target.value as Role)}
            />
            <IconButton
              label={self ? 'Leave this account' : `Remove ${name}`}
              disabled={lastOwner}
              onClick={onRemove}
              className="disabled:opacity-40"
            >
              {self ? (
                <LogOut aria-hidden className="size-4" />
              ) : (
                <UserMinus aria-hidden className="size-4" />
              )}
            </IconButton>
          </>
        ) : (
          <>
            <span className="text-ink-2">{roleLabel(member.role)}</span>
            {self && <Button onClick={onRemove}>Leave</Button>}
          </>
        )
      }
    >
      {change.isError && (
        <div className="mt-3">
          <Alert>{sentenceOf(change.error)}</Alert>
        </div>
      )}
      {asking && (
        <Confirm
          title={`Become ${roleNoun(asking)}?`}
          action={`Become ${roleNoun(asking)}`}
          run={() => account.changeRole(member.id, asking)}
          // The token still says what one was; a reload asks for one that does not.
          onDone={() => location.reload()}
          onClose={() => setAsking(null)}
        >
          You give up being an owner: stores, people, keys and privacy of this account are then out of your
          reach, until another owner gives them back. API keys and open invitations of yours end.
        </Confirm>
      )}
    </Row>
  )
}

function Invitations() {
  const client = useQueryClient()
  const [inviting, setInviting] = useState(false)
  const [withdrawing, setWithdrawing] = useState<Invitation | null>(null)
  const list = useQuery({
    queryKey: ['invitations'],
    queryFn: ({ signal }) => account.invitations(signal),
    staleTime: 0,
  })
  const again = () => client.invalidateQueries({ queryKey: ['invitations'] })

  return (
    <Card
      title="Invitations"
      aside={
        <Button
          look="primary"
          icon={<MailPlus aria-hidden className="size-4" />}
          onClick={() => setInviting(true)}
        >
          Invite
        </Button>
      }
    >
      {list.isError ? (
        <Failed what="Invitations" error={list.error} onRetry={() => void list.refetch()} />
      ) : !list.data ? (
        <RowsLoading count={1} />
      ) : list.data.length === 0 ? (
        <Empty title="No open invitations">
          Invite by e-mail address; whoever has the link and the address joins with the role you choose.
        </Empty>
      ) : (
        <Rows label="Invitations">
          {list.data.map((each) => (
            <InvitationRow key={each.id} invitation={each} onWithdraw={() => setWithdrawing(each)} />
          ))}
        </Rows>
      )}
      {inviting && <Invite onMade={again} onClose={() => setInviting(false)} />}
      {withdrawing && (
        <Confirm
          title="Withdraw the invitation?"
          action="Withdraw"
          run={() => account.withdraw(withdrawing.id)}
          onDone={again}
          onClose={() => setWithdrawing(null)}
        >
          The link that {withdrawing.email} got stops working at once.
        </Confirm>
      )}
    </Card>
  )
}

function InvitationRow({ invitation, onWithdraw }: { invitation: Invitation; onWithdraw: () => void }) {
  const now = useNow(60_000)
  const expired = isPast(invitation.expires_at, now)
  return (
    <Row
      testId="invitation"
      title={invitation.email}
      badges={expired && <Badge tone="warn">Expired</Badge>}
      facts={[
        roleLabel(invitation.role),
        `${expired ? 'expired' : 'expires'} ${distance(invitation.expires_at, now)}`,
      ]}
      actions={<Button onClick={onWithdraw}>Withdraw</Button>}
    />
  )
}

function Invite({ onMade, onClose }: { onMade: () => Promise<void>; onClose: () => void }) {
  const [email, setEmail] = useState('')
  const [role, setRole] = useState<Role>('viewer')
  const invite = useMutation({
    mutationFn: () => account.invite(email.trim(), role),
    onSuccess: onMade,
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    invite.mutate()
  }
  if (invite.data) return <Invited invitation={invite.data} onClose={onClose} />
  const fault = faultOf(invite.error, 'email')
  return (
    <Dialog title="Invite somebody" onClose={onClose}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        {invite.isError && !fault && <Alert>{sentenceOf(invite.error)}</Alert>}
        <Field
          label="E-mail address"
          type="email"
          name="email"
          autoComplete="off"
          required
          value={email}
          error={fault}
          onChange={(event) => setEmail(event.target.value)}
        />
        <Select
          label="Role"
          options={roles}
          value={role}
          hint={roles.find((each) => each.value === role)?.may}
          onChange={(event) => setRole(event.target.value as Role)}
        />
        <div className="mt-1 flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={invite.isPending}>
            Invite
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function Invited({ invitation, onClose }: { invitation: SentInvitation; onClose: () => void }) {
  return (
    <Dialog title={`${invitation.email} is invited`} onClose={onClose}>
      <p className="mb-3 text-ink-2">
        {invitation.sent
          ? 'The link is on its way by mail. You can also hand it over yourself:'
          : 'This server sends no mail. Hand the link over yourself:'}
      </p>
      <Copyable value={invitation.link} label="the invitation link" />
      <p className="mt-3 text-[13px] text-ink-3">
        It works once, for that address only, until {shortDate(invitation.expires_at)}. It is not shown again.
      </p>
      <div className="mt-5 flex justify-end">
        <Button look="primary" onClick={onClose}>
          Done
        </Button>
      </div>
    </Dialog>
  )
}
