"""The account itself, its people, and those who are invited."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from math import ceil
from typing import Any

from fastapi import APIRouter, Request, Response

from tillstream.foundation.database import tenant_transaction
from tillstream.serve import models
from tillstream.serve import people_models as bodies
from tillstream.serve.context import Context, InContext, SignedIn, parse_id
from tillstream.serve.edge import TOO_MANY
from tillstream.serve.problems import FORBIDDEN, ProblemFound, answers
from tillstream.serve.signing_in import let_in, note_refusal
from tillstream.shops import invitations, members
from tillstream.shops.audit import note
from tillstream.shops.mail import invitation_letter
from tillstream.shops.refusals import CredentialsWrong, InvitationUnknown, MemberUnknown
from tillstream.shops.sessions import RefreshToken

router = APIRouter(prefix="/api", tags=["people"])

_OWNER = "owner"


@router.get("/tenant", responses=answers(401, 403))
async def get_tenant(visit: SignedIn) -> bodies.TenantSettings:
    """The account's own settings."""
    async with visit.transaction() as connection:
        return _settings(await members.read_profile(connection, visit.tenant_id))


@router.patch("/tenant", responses=answers(401, 403, 422))
async def change_tenant(body: bodies.TenantChanges, visit: SignedIn) -> bodies.TenantSettings:
    """Change what the body names; the rest stays. Null resets a period. Takes the role owner."""
    changes = body.model_dump(exclude_unset=True)
    if changes.get("name", "") is None:
        del changes["name"]
    async with visit.transaction(_OWNER) as connection:
        profile = replace(await members.read_profile(connection, visit.tenant_id), **changes)
        await members.write_profile(connection, profile)
        if changes:
            await visit.note(connection, "tenant.changed", subject=profile.name, detail=changes)
    return _settings(profile)


def _settings(profile: members.Profile) -> bodies.TenantSettings:
    return bodies.TenantSettings(
        id=str(profile.id),
        name=profile.name,
        retention_days=profile.retention_days,
        erase_after_days=profile.erase_after_days,
    )


@router.get("/members", responses=answers(401, 403))
async def list_members(visit: SignedIn) -> bodies.Members:
    """The account's people, by e-mail address."""
    async with visit.transaction() as connection:
        found = await members.list_members(connection, visit.tenant_id)
    return bodies.Members(members=[_member(one) for one in found])


@router.patch("/members/{id}", responses=answers(401, 403, 404, 409, 422))
async def change_role(id: str, body: bodies.RoleChange, visit: SignedIn) -> bodies.Member:  # noqa: A002
    """Give a member another role; it counts from their next call on. Takes the role owner.

    A former owner's API keys and open invitations end. An account is never without an owner.
    """
    async with visit.transaction(_OWNER) as connection:
        user_id = _user_id(id)
        changed = await members.change_role(connection, user_id, body.role, visit.context.clock())
        member = await members.find_member(connection, visit.tenant_id, user_id)
        if changed:
            detail = {"role": member.role}
            await visit.note(connection, "member.role_changed", subject=member.email, detail=detail)
    return _member(member)


@router.delete(
    "/members/{id}",
    status_code=204,
    response_class=Response,
    responses=answers(401, 403, 404, 409),
)
async def remove_member(id: str, visit: SignedIn) -> Response:  # noqa: A002
    """Remove a member; oneself, or as an owner anybody. An account is never without an owner.

    Their sign-ins to this account end at once, as do the API keys they made and the invitations
    they sent. Somebody who belongs to no other account has no sign-in here any more.
    """
    async with visit.transaction() as connection:
        user_id = _user_id(id)
        leaves = user_id == visit.bearer.user_id
        if not leaves and await visit.role(connection) != _OWNER:
            raise ProblemFound(FORBIDDEN, "This takes the role owner.")
        member = await members.find_member(connection, visit.tenant_id, user_id)
        action = "member.left" if leaves else "member.removed"
        # Before removing: the actor may be who goes.
        await visit.note(connection, action, subject=member.email, detail={"role": member.role})
        await members.remove_member(connection, user_id, visit.context.clock())
    return Response(status_code=204)


def _user_id(text: str) -> int:
    number = parse_id(text)
    if number is None:
        raise MemberUnknown
    return number


def _member(member: members.Member) -> bodies.Member:
    return bodies.Member(
        id=str(member.user_id),
        email=member.email,
        name=member.name,
        role=member.role,
        since=member.since,
    )


@router.get("/invitations", responses=answers(401, 403))
async def list_invitations(visit: SignedIn) -> bodies.Invitations:
    """The open invitations, the latest first. Takes the role owner."""
    async with visit.transaction(_OWNER) as connection:
        now = visit.context.clock()
        found = await invitations.list_invitations(connection, visit.tenant_id, now)
    return bodies.Invitations(invitations=[bodies.Invitation(**_invitation(one)) for one in found])


@router.post("/invitations", status_code=201, responses=answers(401, 403, 409, 422))
async def invite(body: bodies.NewInvitation, visit: SignedIn) -> bodies.SentInvitation:
    """Invite somebody by a link that works once, for a week. Takes the role owner.

    Inviting an address again replaces its invitation. The letter is sent where a mail server is set;
    the link is answered either way, this once.
    """
    context = visit.context
    token = RefreshToken.draw(visit.tenant_id, context.random)
    async with visit.transaction(_OWNER) as connection:
        invitation = await invitations.invite(
            connection,
            token,
            email=body.email,
            role=body.role,
            user_id=visit.bearer.user_id,
            now=context.clock(),
        )
        inviter = await visit.actor(connection)
        profile = await members.read_profile(connection, visit.tenant_id)
        detail = {"role": body.role}
        await visit.note(connection, "member.invited", subject=invitation.email, detail=detail)
    # Outside the transaction: a slow mail server must not hold a connection, nor undo the invitation.
    link = f"{context.host}/invite#token={token}"
    letter = invitation_letter(
        invitation.email, tenant=profile.name, inviter=inviter, role=body.role, link=link
    )
    sent = await context.postbox.send(letter)
    return bodies.SentInvitation(**_invitation(invitation), link=link, sent=sent)


@router.delete(
    "/invitations/{id}",
    status_code=204,
    response_class=Response,
    responses=answers(401, 403, 404),
)
async def withdraw_invitation(id: str, visit: SignedIn) -> Response:  # noqa: A002
    """Let an invitation's link lead nowhere. Takes the role owner."""
    async with visit.transaction(_OWNER) as connection:
        number = parse_id(id)
        if number is None:
            raise InvitationUnknown
        now = visit.context.clock()
        email = await invitations.withdraw(connection, visit.tenant_id, number, now)
        await visit.note(connection, "invitation.withdrawn", subject=email)
    return Response(status_code=204)


@router.post("/invitations/lookup", responses=answers(404, 422))
async def look_up_invitation(
    body: bodies.InvitationToken, context: InContext
) -> bodies.InvitationOffer:
    """What an invitation's link offers, for whoever holds it."""
    offer = await invitations.look_up(context.pool, body.token, context.clock())
    return bodies.InvitationOffer(
        tenant=offer.tenant, email=offer.email, role=offer.role, has_account=offer.has_account
    )


@router.post("/invitations/accept", responses=answers(401, 404, 422))
async def accept_invitation(
    body: bodies.Acceptance, request: Request, context: InContext, response: Response
) -> models.SignIn:
    """Join the account of an invitation, and sign in to it.

    Somebody new chooses a password; somebody whose address has an account gives its password.
    """
    now = context.clock()
    device = context.device(request)
    acceptance = invitations.Acceptance(body.token, body.password, body.name)
    offer = await invitations.look_up(context.pool, body.token, now)
    _begin_guess(context, offer.email, now)
    try:
        accepted = await invitations.accept(context.pool, context.vault, acceptance, now)
    except CredentialsWrong as error:
        note_refusal(context, error, device)
        raise
    context.guesses.forget(accepted.email)
    async with tenant_transaction(context.pool, accepted.tenant_id) as connection:
        await note(
            connection,
            accepted.tenant_id,
            "member.joined",
            actor=accepted.email,
            subject=accepted.email,
            detail={"role": accepted.role},
            address=device.address,
            now=now,
        )
    return await let_in(
        context,
        response,
        tenant_id=accepted.tenant_id,
        user_id=accepted.user_id,
        password_hash=accepted.password_hash,
        device=device,
        action="session.signed_in",
    )


def _begin_guess(context: Context, email: str, now: datetime) -> None:
    """Count an attempt for the account of an address, from wherever it comes.

    An owner gets the links of all they invite: that must not be a second door to guess at. Only the
    invited person is kept waiting, and at this door alone.
    """
    wait = context.guesses.wait(email, now.timestamp())
    if wait > 0:
        raise ProblemFound(TOO_MANY, f"Too many attempts failed. Try again in {ceil(wait)} s.")
    context.guesses.strike(email, now.timestamp())


def _invitation(invitation: invitations.Invitation) -> dict[str, Any]:
    return {
        "id": str(invitation.id),
        "email": invitation.email,
        "role": invitation.role,
        "created_at": invitation.created_at,
        "expires_at": invitation.expires_at,
    }
