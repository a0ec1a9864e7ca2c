"""What first queries would wait for, made and loaded in the background."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Lock

from ..app.loading.torch_libraries import load_torch_libraries
from .shelf import Shelf, Shelved

_USUAL = "a photograph"
_SELDOM = "narwhal"  # what a library lacks is read by other models


class Warming:
    """Makes all libraries ready, one after the other, while others are answered: for words, by a list of
    their words, and for pictures that are sent, which takes longest."""

    def __init__(self, shelf: Shelf, list_words: Callable[[Shelved], object]) -> None:
        self._shelf, self._list_words = shelf, list_words
        self._for_words = ThreadPoolExecutor(1, "warming")
        self._for_pictures = ThreadPoolExecutor(1, "warming-for-pictures")
        self._steps: list[Future[object]] = []
        self._lock = Lock()
        self._begun = self._picture_came = False
        self._words_may = Event()  # unless a picture waits
        self._words_may.set()

    @property
    def loading(self) -> bool:
        """Whether something is not ready yet."""
        return not all(step.done() for step in self._steps)

    def begin(self) -> None:
        """Begin, and return at once."""
        self._for_pictures.submit(self._load_libraries)  # no other thread waits for that
        self._each(lambda one: one.ask_by(_USUAL))
        self._each(lambda one: one.ask_by(_SELDOM))
        self._each(self._list_words)
        self._steps.append(self._for_words.submit(self._begin_for_pictures))

    def picture_comes(self) -> None:
        """A picture is being sent: what it asks for is loaded now, and words wait."""
        self._picture_came = True
        self._begin_for_pictures()

    def close(self) -> None:
        """Begin nothing more."""
        with self._lock:
            self._begun = True
        for pool in (self._for_words, self._for_pictures):
            pool.shutdown(wait=False, cancel_futures=True)
        self._words_may.set()

    def _each(self, step: Callable[[Shelved], object]) -> None:
        def in_turn(one: Shelved) -> object:
            self._words_may.wait()
            return step(one)

        self._steps += [self._for_words.submit(in_turn, one) for one in self._shelf]

    def _load_libraries(self) -> None:
        if any(one.sees_pictures for one in self._shelf):
            load_torch_libraries()

    def _begin_for_pictures(self) -> None:
        with self._lock:
            begun, self._begun = self._begun, True
        if begun:
            return
        self._words_may.clear()
        self._steps += [self._for_pictures.submit(self._make_ready, one) for one in self._shelf]
        self._steps.append(self._for_pictures.submit(self._words_may.set))

    def _make_ready(self, one: Shelved) -> None:
        if one.load_for_pictures() and not self._picture_came:  # it would stand in that one's way
            one.ask_by_a_picture()
