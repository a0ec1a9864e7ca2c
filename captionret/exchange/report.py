"""What could not be written or read, picture by picture."""

from ..records import Failure


class Failures(list[Failure]):
    """Single pictures that an export or an import went on without."""

    def note(self, path: str, reason: str) -> None:
        """One more."""
        self.append(Failure(path, reason))
