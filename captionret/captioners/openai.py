"""A captioner behind a server that speaks OpenAI's protocol: Ollama, vLLM, llama.cpp, LM Studio, or a
service.

openai:http://localhost:11434/v1#gemma3
"""

import base64
import hashlib
import io
import json
import logging
import os
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image

from ..errors import BadImage, BadSetting, CaptionerAway
from ..images import Picture
from ..records import Caption, NoCaption
from .answers import NoAnswer, captions_of
from .options import PROMPT, CaptionerOptions
from .protocol import Answer
from .server import Refused, Server, Unanswered

log = logging.getLogger(__name__)

_AHEAD = 4  # pictures in the queue for each request at a time
_SCALING = 2  # threads that read and scale pictures, so that no request waits for that
_REFUSAL = re.compile(r"(i['’]?m|i am) (sorry|unable)|i (can['’]?t|cannot|won['’]?t)\b", re.IGNORECASE)
_TOKENS_A_WORD = 3
Keep = Callable[[Picture, list[Caption]], None]


class OpenAICaptioner:
    """Each picture is one request, scaled down and as JPEG."""

    def __init__(self, what: str, options: CaptionerOptions) -> None:
        """what: URL#MODEL. errors: BadSetting"""
        address, _, self.model = what.partition("#")
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname or not self.model:
            raise BadSetting(
                f"openai:{what} names no server and model. Write openai:URL#MODEL, such as "
                "openai:http://localhost:11434/v1#gemma3."
            )
        if parts.username or parts.password:
            raise BadSetting(
                "A key does not belong into the address of a server. Put it into the environment."
            )
        self.name, self.options = Path(self.model).name, options
        self._server = Server(
            f"{address.rstrip('/')}/chat/completions", options, os.environ.get(options.key_from)
        )
        self._as_json = options.captions > 1 or options.keywords
        self._lost = 0  # pictures in a row that got no answer
        self._lock = threading.Lock()

    @property
    def fingerprint(self) -> str:
        """Of what changes its captions; the address does not."""
        options = self.options
        facts = (self.model, options.prompt or PROMPT, options.captions, options.keywords, options.send_size)
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def describe(self) -> dict[str, Any]:
        """For the catalogue; never a key."""
        return {"model": self.model, "prompt": self.options.prompt or PROMPT}

    def caption(self, images: Sequence[Picture]) -> list[Answer]:
        """One request for each. errors: CaptionerAway"""
        found: list[Answer] = []
        for picture, answer in zip(images, self.caption_each(images, lambda *_: None), strict=True):
            if isinstance(answer, NoCaption):
                raise CaptionerAway(f"{picture.name}: {self._server.url} gave no answer.")
            found.append(answer)
        return found

    def caption_each(self, images: Sequence[Picture], keep: Keep) -> Iterator[Answer | NoCaption]:
        """The answers, in the order of the pictures, several requests at a time; `keep` is called with each
        as soon as it is there. A picture without an answer is a NoCaption.

        errors: CaptionerAway where the server answers nothing, or lets nobody in
        """
        scaling = ThreadPoolExecutor(_SCALING, "scaling")
        pool = ThreadPoolExecutor(self.options.concurrency, "captioning")
        running: deque[Future[Answer | NoCaption]] = deque()
        try:
            for picture in images:
                content = scaling.submit(self._jpeg, picture)
                running.append(pool.submit(self._answer, picture, content, keep))
                if len(running) > _AHEAD * self.options.concurrency:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            self._server.stop()
            pool.shutdown(wait=True, cancel_futures=True)
            scaling.shutdown(wait=True, cancel_futures=True)
            self._server.close()
        log.info(self._server.bill())

    def _answer(self, picture: Picture, content: Future[bytes], keep: Keep) -> Answer | NoCaption:
        """One picture's captions. Where one gets no answer, another still may."""
        try:
            captions = list(captions_of(self._asked(picture, content.result()), self.options.max_words))
        except BadImage as error:
            return error
        except (NoAnswer, Refused) as error:
            return BadImage(f"{picture.name}: {error}")
        except Unanswered as error:
            with self._lock:
                self._lost += 1
                if self._lost > self.options.concurrency:
                    raise CaptionerAway(f"{self._server.url} answers nothing: {error}") from None
            log.warning(f"{picture.name} waits for the next time: {error}")
            return NoCaption(picture.name)
        self._lost = 0
        keep(picture, captions)
        return captions

    def _asked(self, picture: Picture, content: bytes) -> Answer:
        body = self._body(picture, content)
        try:
            message = self._server.ask(body)
        except Refused:
            if not self._as_json or "response_format" not in body:
                raise
            message = self._server.ask({name: body[name] for name in body if name != "response_format"})
            self._as_json = False  # a server that knows no schemas
            log.info(f"{self._server.url} takes no JSON schema; it is asked in words alone.")
        text = message.get("content")
        if message.get("refusal"):
            raise NoAnswer(f"it was refused ({str(message['refusal'])[:200]}).")
        if not isinstance(text, str) or not text.strip():
            raise NoAnswer("the answer is empty.")
        if _REFUSAL.match(text.strip()):
            raise NoAnswer(f"it was refused ({text.strip()[:200]}).")
        return _listed(text) if "captions" in text and "{" in text else text

    def _body(self, picture: Picture, content: bytes) -> dict[str, Any]:
        options = self.options
        sent = f"data:image/jpeg;base64,{base64.b64encode(content).decode()}"
        parts = [
            {"type": "text", "text": self._prompt(picture)},
            {"type": "image_url", "image_url": {"url": sent}},
        ]
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": "user", "content": parts}],
            "max_tokens": _TOKENS_A_WORD * options.max_words * options.captions + 50 * (1 + options.keywords),
            "temperature": 0,
            "stream": False,
        }
        return body | ({"response_format": _schema(options.keywords)} if self._as_json else {})

    def _prompt(self, picture: Picture) -> str:
        place = picture.path or Path(picture.name)
        taken = picture.facts.taken or ""
        prompt = (self.options.prompt or PROMPT).format(path=place, folder=place.parent.name, date=taken[:10])
        if self.options.captions > 1:
            prompt += f" Give {self.options.captions} different ones."
        if self.options.keywords:
            prompt += " Give keywords, too."
        return prompt

    def _jpeg(self, picture: Picture) -> bytes:
        """The picture as it is sent. It reads the file once, for its hash and facts as well."""
        image = picture.open(self.options.send_size)
        if max(image.size) > self.options.send_size:
            image = image.copy()
            image.thumbnail((self.options.send_size, self.options.send_size), Image.Resampling.BICUBIC)
        out = io.BytesIO()
        image.save(out, "JPEG", quality=85)
        return out.getvalue()


def _schema(keywords: bool) -> dict[str, Any]:
    texts = {"type": "array", "items": {"type": "string"}}
    fields = {"captions": texts} | ({"keywords": texts} if keywords else {})
    schema = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    return {"type": "json_schema", "json_schema": {"name": "captions", "strict": True, "schema": schema}}


def _listed(text: str) -> Answer:
    """Captions and keywords of an answer in JSON, perhaps in a fence. errors: NoAnswer"""
    inside = text[text.index("{") : text.rindex("}") + 1] if "}" in text else text
    try:
        found = json.loads(inside)
        captions, tags = found["captions"], found.get("keywords") or []
        if not all(isinstance(one, str) for one in (*captions, *tags)):
            raise TypeError
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise NoAnswer(f"the answer is not the JSON that was asked for ({text[:100]!r}).") from None
    return [
        Caption(one, tuple(one.split()), 0.0, tuple(tags) if place == 0 else ())
        for place, one in enumerate(captions)
    ]
