"""Takes what happened to those who subscribed to it, signed and retried as Shopify does.

https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from tillstream.simulator.delivery import RETRY_SECONDS, request_for
from tillstream.simulator.lane import Address, Caller, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable

    from tillstream.simulator.admin.consent import Installation
    from tillstream.simulator.admin.subscriptions import Subscription
    from tillstream.simulator.webhook import Webhook

_SUCCESS: Final = 2
_LANES: Final = 8
"""Connections kept to one address."""


class Parcel(NamedTuple):
    """One delivery to one address; ``subscription`` is None for what an app did not ask for."""

    webhook: Webhook
    uri: str
    secret: bytes
    installation: Installation | None
    subscription: Subscription | None


@dataclass(slots=True)
class Tally:
    """What became of deliveries so far; ``tries`` counts requests."""

    tries: int = 0
    accepted: int = 0
    failed_tries: int = 0
    gave_up: int = 0
    waiting: int = 0


class Courier:
    """Delivers in the background. ``held`` topics are kept back until they are released.

    ``retry_scale`` shortens the waits between the eight retries. A subscription that was made
    through the Admin API is removed when a delivery of its fails for the eighth time again.
    """

    def __init__(self, mint: Callable[[], str], *, retry_scale: float = 60.0) -> None:
        self.tally = Tally()
        self.held: set[str] = set()
        self.kept: deque[Parcel] = deque()
        self._mint = mint
        self._retry_scale = retry_scale
        self._errands: set[asyncio.Task[None]] = set()
        self._idle: dict[Address, list[Caller]] = {}
        self._lanes: dict[Address, asyncio.Semaphore] = {}

    def announce(self, installation: Installation, webhook: Webhook) -> int:
        """Deliver ``webhook`` to the installation's subscriptions to its topic; how many there are."""
        count = 0
        for subscription in list(installation.subscriptions.values()):
            if subscription.topic == webhook.topic and subscription.over_http:
                self._hand_over(_addressed(installation, subscription, webhook))
                count += 1
        return count

    def command(self, installation: Installation, webhook: Webhook) -> None:
        """Deliver a compliance topic to where the app declared that it wants them."""
        app = installation.app
        self._hand_over(Parcel(webhook, app.webhook_url, app.signing_secret, installation, None))

    def release(self) -> int:
        """Hold nothing back any more, and send what was; how much that is."""
        self.held.clear()
        count = len(self.kept)
        while self.kept:
            self._set_out(self.kept.popleft())
        return count

    async def close(self) -> None:
        """Drop what is on its way."""
        errands = list(self._errands)
        for errand in errands:
            errand.cancel()
        await asyncio.gather(*errands, return_exceptions=True)
        for callers in self._idle.values():
            for caller in callers:
                caller.close()

    def _hand_over(self, parcel: Parcel) -> None:
        # Each subscription's delivery has an id of its own, which its retries keep.
        parcel = parcel._replace(webhook=parcel.webhook._replace(webhook_id=_uuid(self._mint())))
        if parcel.webhook.topic in self.held:
            self.kept.append(parcel)
        else:
            self._set_out(parcel)

    def _set_out(self, parcel: Parcel) -> None:
        errand = asyncio.get_running_loop().create_task(self._carry(parcel))
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)

    async def _carry(self, parcel: Parcel) -> None:
        self.tally.waiting += 1
        try:
            address = Address.of(parcel.uri)
            request = request_for(parcel.webhook, address, parcel.secret)
            for wait in (0.0, *RETRY_SECONDS):
                await asyncio.sleep(wait / self._retry_scale)
                if await self._accepted(address, request):
                    self.tally.accepted += 1
                    return
            self._give_up(parcel)
        finally:
            self.tally.waiting -= 1

    async def _accepted(self, address: Address, request: bytes) -> bool:
        lanes = self._lanes.setdefault(address, asyncio.Semaphore(_LANES))
        idle = self._idle.setdefault(address, [])
        async with lanes:
            caller = idle.pop() if idle else Caller(address)
            self.tally.tries += 1
            try:
                status = await caller.post(request)
            except Unreachable:
                status = 0
            except BaseException:
                caller.close()
                raise
            idle.append(caller)
        if status // 100 == _SUCCESS:
            return True
        self.tally.failed_tries += 1
        return False

    def _give_up(self, parcel: Parcel) -> None:
        self.tally.gave_up += 1
        if parcel.installation is not None and parcel.subscription is not None:
            parcel.installation.subscriptions.pop(parcel.subscription.id, None)


def _addressed(installation: Installation, to: Subscription, webhook: Webhook) -> Parcel:
    told = webhook._replace(
        api_version=to.api_version,
        body=_reduced(webhook.body, to.include_fields),
        name=to.name,
    )
    return Parcel(told, to.uri, installation.app.signing_secret, installation, to)


def _reduced(body: bytes, fields: tuple[str, ...]) -> bytes:
    """The body with the fields named and no others; of a path (``customer.id``) its first part."""
    if not fields:
        return body
    whole: dict[str, Any] = msgspec.json.decode(body)
    top = {name.partition(".")[0] for name in fields}
    return msgspec.json.encode({name: value for name, value in whole.items() if name in top})


def _uuid(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"
