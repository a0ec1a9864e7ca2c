"""What can be asked of captioners beside what they are; each kind takes what concerns it."""

from dataclasses import asdict, dataclass
from typing import Any

from ..errors import BadSetting

PROMPT = "Describe this picture in one short, plain sentence."


@dataclass(frozen=True, slots=True)
class CaptionerOptions:
    """Settings of a captioner.

    prompt:      what a model that takes one is asked; {path}, {folder} and {date} are the picture's
    max_words:   captions are cut behind so many words
    captions:    how many are asked for of each picture, where the captioner can give several
    keywords:    ask for keywords, too, where the captioner can answer in JSON
    batch_size:  pictures at once, of a model on this machine
    device, dtype: of a model on this machine: "auto", "cpu", "cuda"; "auto", "float32", "bfloat16", "float16"
    send_size:   longest side of the picture that is sent to a server, in pixels
    concurrency: requests to a server at a time
    timeout:     seconds for one request; retries: how often one that failed is made again
    key_from:    the environment variable with a server's key
    price:       what a million tokens cost that are sent, and that are received; None: as the server says
    trust_remote_code: whether code that comes with a model may run
    """

    prompt: str | None = None
    max_words: int = 60
    captions: int = 1
    keywords: bool = False
    batch_size: int = 8
    device: str = "auto"
    dtype: str = "auto"
    send_size: int = 512
    concurrency: int = 4
    timeout: float = 120.0
    retries: int = 4
    key_from: str = "OPENAI_API_KEY"
    price: tuple[float, float] | None = None
    trust_remote_code: bool = False

    def __post_init__(self) -> None:
        least = {
            "max_words": 1,
            "captions": 1,
            "batch_size": 1,
            "send_size": 32,
            "concurrency": 1,
            "retries": 0,
        }
        for name, number in least.items():
            if getattr(self, name) < number:
                raise BadSetting(f"{name} is {getattr(self, name)}; it is at least {number}.")
        if not 0 < self.timeout < 1e6:
            raise BadSetting(f"timeout is {self.timeout}; it is a number of seconds above 0.")
        if self.captions > 100 or self.concurrency > 256:
            raise BadSetting(
                "No more than 100 captions of a picture and 256 requests at a time are possible."
            )
        if self.price is not None and not all(0 <= one < 1e9 for one in self.price):
            raise BadSetting(f"price is {self.price}; both are amounts of money for a million tokens.")
        try:
            (self.prompt or "").format(path="", folder="", date="")
        except (KeyError, IndexError, ValueError) as error:
            raise BadSetting(
                f"The prompt {self.prompt!r} cannot be filled in ({error!r}). Its blanks are {{path}}, "
                "{folder} and {date}; a brace that is meant is written twice."
            ) from None

    def to_json(self) -> dict[str, Any]:
        """What differs from the usual."""
        return {name: value for name, value in asdict(self).items() if value != getattr(USUAL, name)}


USUAL = CaptionerOptions()


def from_json(facts: object) -> CaptionerOptions:
    """What `to_json` wrote. errors: BadSetting"""
    if not isinstance(facts, dict):
        return USUAL
    price = {} if facts.get("price") is None else {"price": tuple(facts["price"])}
    try:
        return CaptionerOptions(**facts | price)
    except (TypeError, ValueError) as error:
        raise BadSetting(f"The settings of a captioner cannot be read: {error}.") from None
