"""The order of waiting pages: the more urgent first, yet nobody waits for ever."""

from collections import deque

from server.page_task import AnyTask, Urgency

_PASSED_OVER = 8  # so many more urgent pages go before, then it is a less urgent one's turn


class PageQueue:
    """Pages that wait, first come, first served among those of the same urgency."""

    def __init__(self) -> None:
        self._queues: dict[Urgency, deque[AnyTask]] = {urgency: deque() for urgency in Urgency}
        self._passed_over = dict.fromkeys(Urgency, 0)

    def __len__(self) -> int:
        """How many there are, those included that nobody waits for any more until their turn comes."""
        return sum(map(len, self._queues.values()))

    def append(self, task: AnyTask) -> None:
        """Put it behind those of its urgency."""
        self._queues[task.urgency].append(task)

    def put_back(self, task: AnyTask) -> None:
        """Put it before those of its urgency."""
        self._queues[task.urgency].appendleft(task)

    def head(self) -> AnyTask | None:
        """Whose turn it is; pages that nobody waits for any more are dropped."""
        urgency = self._turn()
        return None if urgency is None else self._queues[urgency][0]

    def take(self) -> AnyTask:
        """The head, which waits no more. Raises IndexError when nobody waits."""
        urgency = self._turn()
        if urgency is None:
            raise IndexError("nobody waits")
        for other in Urgency:
            if other > urgency and self._queues[other]:
                self._passed_over[other] += 1
        self._passed_over[urgency] = 0
        return self._queues[urgency].popleft()

    def remove(self, task: AnyTask) -> bool:
        """Take this one out of the line. False when it does not wait."""
        if task not in self._queues[task.urgency]:
            return False
        self._queues[task.urgency].remove(task)
        return True

    def _turn(self) -> Urgency | None:
        waiting = []
        for urgency, queue in self._queues.items():
            while queue and queue[0].answer.done():  # cancelled while it waited
                queue.popleft()
            if queue:
                waiting.append(urgency)
        overdue = [urgency for urgency in waiting if self._passed_over[urgency] >= _PASSED_OVER]
        return next(iter(overdue or waiting), None)
