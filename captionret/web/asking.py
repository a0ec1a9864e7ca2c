"""What a request for pictures asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from fastapi import Query

from ..app.query.answering import Grouping, Order

Text: TypeAlias = Annotated[str, Query(max_length=1000)]
Ids: TypeAlias = Annotated[Sequence[str], Query(max_length=50)]
Texts: TypeAlias = Annotated[Sequence[str], Query(max_length=10)]
Day: TypeAlias = Annotated[str, Query(max_length=20)]
Name: TypeAlias = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True, slots=True)
class Asking:
    """What is searched for; pictures by their ids.

    text:  in the query language
    by:    whose captions are searched and shown, a captioner's name; "": the best of each picture
    image: of the library, or one that was sent
    plus, minus: texts that are added and taken away, in a mode of a space
    near:  a place and kilometres, as in the query language: "48.2,16.4,5"
    least: the least probability of each word
    sort:  by score, or the same by date, the oldest or the newest first; group: of a day or of a folder
    """

    text: str = ""
    image: str = ""
    mode: str = "auto"
    by: str = ""
    like: tuple[str, ...] = ()
    dislike: tuple[str, ...] = ()
    plus: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()
    under: str = ""
    since: str = ""
    until: str = ""
    camera: str = ""
    lens: str = ""
    keyword: str = ""
    near: str = ""
    least: float | None = None
    sort: Order = "score"
    group: Grouping | None = None

    @property
    def empty(self) -> bool:
        """Whether it asks for nothing: then the library is shown as it is."""
        limits = self.under or self.since or self.until or self.near or any(self.named.values())
        return not (self.text.strip() or self.image or self.like or self.plus or limits)

    @property
    def named(self) -> dict[str, str]:
        """The filters of the query language that have no other place, by their names there."""
        found = {"camera": self.camera, "lens": self.lens, "keyword": self.keyword}
        return {sign: name for sign, name in found.items() if name.strip()}

    @property
    def reordered(self) -> bool:
        """Whether pictures are to stand in another order than that in which they are found."""
        return self.sort != "score" or self.group is not None


async def asking(
    q: Text = "",
    image: Annotated[str, Query(pattern="^([0-9a-f]{64})?$")] = "",
    mode: Annotated[str, Query(max_length=40)] = "auto",
    by: Name = "",
    like: Ids = (),
    dislike: Ids = (),
    plus: Texts = (),
    minus: Texts = (),
    under: Text = "",
    since: Day = "",
    until: Day = "",
    camera: Name = "",
    lens: Name = "",
    keyword: Name = "",
    near: Annotated[str, Query(pattern=r"^(-?[0-9.]{1,20},-?[0-9.]{1,20}(,[0-9.]{1,20})?)?$")] = "",
    least: Annotated[float | None, Query(ge=0, le=1)] = None,
    sort: Order = "score",
    group: Grouping | None = None,
) -> Asking:
    """The part of an address that says what is searched for.

    A plain function would be called in a thread of its own, which each waiting request would then hold.
    """
    return Asking(
        text=q,
        image=image,
        mode=mode,
        by=by,
        like=tuple(like),
        dislike=tuple(dislike),
        plus=tuple(plus),
        minus=tuple(minus),
        under=under,
        since=since,
        until=until,
        camera=camera,
        lens=lens,
        keyword=keyword,
        near=near,
        least=least,
        sort=sort,
        group=group,
    )
