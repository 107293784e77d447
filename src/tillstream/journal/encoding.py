"""How deliveries are stored: MessagePack by position, compressed with Zstandard."""

from __future__ import annotations

import asyncio
import threading
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import msgspec
import zstandard

from tillstream.journal.contract import Delivery

if TYPE_CHECKING:
    from collections.abc import Sequence

# Level 1: webhooks shrink about tenfold within a frame, and the journal is on the hot path.
_LEVEL: Final = 1
# A damaged header may claim any size; no honest frame comes near this one.
_LARGEST: Final = 1 << 30
# Bytes of bodies from which compression moves to a thread: below, the hand-over costs more.
_THREAD_FROM: Final = 128 * 1024


class Undecodable(ValueError):
    """Stored bytes that are no deliveries; the message says what is wrong with them."""


class _Codec(threading.local):
    """Compressors keep state and may not be shared between threads."""

    def __init__(self) -> None:
        super().__init__()
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
        self.decompressor = zstandard.ZstdDecompressor()
        self.encoder = msgspec.msgpack.Encoder()
        self.decoder = msgspec.msgpack.Decoder(list[Delivery])


_codec = _Codec()


def encode_deliveries(deliveries: Sequence[Delivery]) -> bytes:
    """The stored form of ``deliveries``."""
    return _codec.compressor.compress(_codec.encoder.encode(deliveries))


async def encode_frame(deliveries: Sequence[Delivery]) -> bytes:
    """``encode_deliveries``, beside the event loop where it would hold it up."""
    if sum(len(delivery.body) for delivery in deliveries) < _THREAD_FROM:
        return encode_deliveries(deliveries)
    return await asyncio.to_thread(encode_deliveries, deliveries)


def decode_deliveries(stored: bytes) -> list[Delivery]:
    """What ``encode_deliveries`` was given.

    Raises:
        Undecodable: for anything else.
    """
    try:
        size = zstandard.frame_content_size(stored)
        if not 0 <= size <= _LARGEST:
            message = f"stored frame claims {size} bytes"
            raise Undecodable(message)
        return _codec.decoder.decode(_codec.decompressor.decompress(stored))
    except (zstandard.ZstdError, msgspec.MsgspecError) as error:
        raise Undecodable(str(error)) from error


def delivery_key(delivery: Delivery) -> bytes:
    """Sixteen bytes that are equal for repeats of one delivery, whenever each was received."""
    digest = blake2b(digest_size=16)
    for part in (delivery.app, delivery.shop, delivery.topic, delivery.webhook_id):
        digest.update(part.encode() + b"\0")
    digest.update(delivery.body)
    return digest.digest()


def stored_key(stored: bytes) -> bytes:
    """The key of bytes that could not be read as deliveries."""
    return blake2b(stored, digest_size=16, person=b"undecodable").digest()
