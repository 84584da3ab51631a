"""What the server asks of a worker, in its order. Standard library only."""

import select
import socket
from collections import deque

from server import protocol


class Inbox:
    """What the server asks for, in its order: next, and what has already come that is like it."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._unread = b""
        self._waiting: deque[protocol.Recognise | protocol.Answer] = deque()
        self._open = True

    def next(self, most: int) -> list[protocol.Recognise] | protocol.Answer | None:
        """A chat, or up to `most` pages with the same options; waits for one. None after `Close`, or without the server."""
        while self._open and (not self._waiting or select.select([self._channel], [], [], 0)[0]):
            self._receive()
        if not self._waiting:
            return None
        first = self._waiting[0]
        if isinstance(first, protocol.Answer):
            self._waiting.popleft()
            return first
        pages = (message for message in self._waiting if isinstance(message, protocol.Recognise))
        batch = [message for message in pages if message.options == first.options][:most]
        for message in batch:
            self._waiting.remove(message)
        return batch

    def _receive(self) -> None:
        data = self._channel.recv(1 << 16)
        *lines, self._unread = (self._unread + data).split(b"\n")
        self._open = bool(data)
        for line in lines:
            match protocol.decode(line):
                case protocol.Recognise() | protocol.Answer() as message:
                    self._waiting.append(message)
                case protocol.Close():
                    self._open = False
                case other:
                    raise protocol.ProtocolError(f"{other.kind} is not for a worker")
