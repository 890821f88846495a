"""Who may use the networks next. One thread computes; the steps of all runs take turns on it.

Visitors take turns, each with one step, so nobody waits for another's whole run. Steps of long jobs wait behind those
of short ones, but for each so-many-th turn, so they go on, too.
"""

from __future__ import annotations

import atexit
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

LONG_TURN = 4  # where both wait, each fourth turn is a long job's

Task = tuple["Future[Any]", Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class Turns(Executor):
    """An executor of one thread. `submit` is for what has no visitor, as loading a pack; `seat` for the rest."""

    def __init__(self) -> None:
        self._waiting: dict[bool, OrderedDict[str, deque[Task]]] = {False: OrderedDict(), True: OrderedDict()}
        self._changed = threading.Condition()
        self._since_long = 0
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="networks", daemon=True)
        self._thread.start()
        atexit.register(self.shutdown, cancel_futures=True)  # a network that computes while Python ends would abort it

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self.add("", False, fn, *args, **kwargs)

    def seat(self, visitor: str, long: bool = False) -> Seat:
        """The executor of one visitor's job; `long` for one that others shall not wait for."""
        return Seat(self, visitor, long)

    def add(self, visitor: str, long: bool, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Put a task in a visitor's line. RuntimeError after `shutdown`."""
        future: Future[Any] = Future()
        with self._changed:
            if self._closed:
                raise RuntimeError("no task is taken any more: the server ends")
            self._waiting[long].setdefault(visitor, deque()).append((future, fn, args, kwargs))
            self._changed.notify()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more tasks. Those that wait are computed, or cancelled."""
        with self._changed:
            self._closed = True
            if cancel_futures:
                for line in self._waiting.values():
                    for future in [task[0] for tasks in line.values() for task in tasks]:
                        future.cancel()
            self._changed.notify()
        if wait and threading.current_thread() is not self._thread:
            self._thread.join()

    def _work(self) -> None:
        while (task := self._take()) is not None:
            future, fn, args, kwargs = task
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(fn(*args, **kwargs))
                except BaseException as error:  # it is raised where the result is asked for
                    future.set_exception(error)
            del task, future, fn, args, kwargs  # else they would live until the next task comes

    def _take(self) -> Task | None:
        """The next task, once there is one; None at the end."""
        with self._changed:
            while not any(self._waiting.values()):
                if self._closed:
                    return None
                self._changed.wait()
            short, long = self._waiting[False], self._waiting[True]
            is_long = bool(long) and (not short or self._since_long >= LONG_TURN - 1)
            self._since_long = 0 if is_long else self._since_long + 1
            line = long if is_long else short
            visitor, tasks = line.popitem(last=False)
            task = tasks.popleft()
            if tasks:
                line[visitor] = tasks  # behind all other visitors
            return task


class Seat(Executor):
    """One visitor's place among the others."""

    def __init__(self, turns: Turns, visitor: str, long: bool) -> None:
        self._turns, self._visitor, self._long = turns, visitor, long

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self._turns.add(self._visitor, self._long, fn, *args, **kwargs)
