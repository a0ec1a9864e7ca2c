"""From what a decoder predicts to captions: each way of decoding but the choice that a re-ranker makes.

generator = Generator(decoder, vocabulary, config, device)
generator.captions(features, BeamSearch(3))[0][0].text
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ...decoding import Consensus, Decoding, DiverseBeamSearch, Sampling, Searching
from ...errors import BadSetting
from ...records import Caption
from ...text import Vocabulary, ends_badly, join
from ..device import in_threads
from ..reranking.consensus import consensus
from .beam_search import Beams, Rules, State, beam_search, ordered
from .compiled_search import CompiledSearch, Packed, state_of
from .config import CaptionerConfig
from .constrained import Name, NamedCaption, named_search
from .sampling import sample, uniforms
from .transformer import TransformerDecoder

# Numbers in one table of log-probabilities, at most: 128 MB. Wide beams and many drawn captions take the
# pictures of a batch in turn; captions of one picture never depend on the others.
MOST_AT_ONCE = 2**25
# Pictures that are worth a thread of their own
ENOUGH = 16


class Predicting(Protocol):
    """What predicts one word after another: a trained decoder, or several of them together."""

    def begin(self, features: Tensor) -> tuple[Tensor, State]:
        """Features of N pictures -> logits (N, V) of the first token, and the state after the picture."""
        ...

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """tokens (M,) int64 -> logits (M, V) of the next ones, and the state after them."""
        ...


class Generator:
    """A decoder, its words, and how its variant generates captions.

    compiled: search for beams in the compiled kernel where it fits, see compiled_search.py
    """

    def __init__(
        self,
        decoder: Predicting,
        vocabulary: Vocabulary,
        config: CaptionerConfig,
        device: torch.device,
        compiled: bool = False,
    ) -> None:
        self.decoder, self.vocabulary, self.config, self.device = decoder, vocabulary, config, device
        self.compiled = compiled
        self._search: CompiledSearch | None = None
        self._packed: Packed | None = None  # the weights that it was made of

    @torch.inference_mode()
    def captions(
        self, features: Tensor, decoding: Decoding, pictures: Sequence[str] = ()
    ) -> list[list[Caption]]:
        """All captions that a decoding finds for each row of features, the best first; of a Rerank those that
        are to be chosen from.

        features: (N, D) or (N, cells, D) float32
        pictures: content hashes, which drawing needs
        """
        if isinstance(decoding, Sampling) or (isinstance(decoding, Consensus) and decoding.drawn):
            _check_hashes(features, pictures)

        search = self._compiled_search(decoding)

        def find(rows: slice) -> list[list[Caption]]:
            return self._captions_of(features[rows].to(self.device), decoding, pictures[rows], search)

        found = in_threads(find, self._pieces(len(features), decoding), self.device)
        return [captions for piece in found for captions in piece]

    @torch.inference_mode()
    def drawn(
        self, features: Tensor, decoding: Sampling, pictures: Sequence[str], rules: Rules | None = None
    ) -> Beams:
        """Captions of each picture in the order in which they are drawn; as `captions` takes them."""
        first, state = self.decoder.begin(features.to(self.device))
        chance = [
            uniforms(decoding.seed, picture, decoding.captions, self.config.max_words) for picture in pictures
        ]
        return sample(
            first,
            state,
            self.decoder.step,
            torch.from_numpy(np.stack(chance)).to(self.device),
            temperature=decoding.temperature,
            top_k=decoding.top_k,
            top_p=decoding.share,
            predict_bos=self.config.predict_bos,
            rules=rules,
        )

    @torch.inference_mode()
    def word_shares(self, features: Tensor, decoding: Sampling, pictures: Sequence[str]) -> np.ndarray:
        """(N, V) float32: for each row of features the share of drawn captions that hold each word."""
        _check_hashes(features, pictures)
        shares = np.zeros((len(features), len(self.vocabulary)), np.float32)

        def count(rows: slice) -> None:
            tokens = self.drawn(features[rows], decoding, pictures[rows]).tokens.cpu().numpy()  # (n, K, T)
            for drawn in range(tokens.shape[1]):
                held = np.zeros((len(tokens), shares.shape[1]), bool)
                held[np.arange(len(tokens))[:, None], tokens[:, drawn]] = True
                shares[rows] += held

        in_threads(count, self._pieces(len(features), decoding), self.device)
        return shares / decoding.captions

    @torch.inference_mode()
    def named(
        self, features: Tensor, names: Sequence[Sequence[Name]], decoding: Searching
    ) -> list[NamedCaption | None]:
        """For each row of features the best caption that holds one of its names, see named_search."""
        found: list[NamedCaption | None] = []
        size = max(1, self._at_once(decoding) // 2)  # two beams for each picture
        for start in range(0, len(features), size):
            rows = slice(start, start + size)
            first, state = self.decoder.begin(features[rows].to(self.device))
            found += named_search(
                first,
                state,
                self.decoder.step,
                names[rows],
                beam=decoding.beam,
                max_words=self.config.max_words,
                length_penalty=self.length_penalty(decoding),
                predict_bos=self.config.predict_bos,
                rules=self._rules_of(decoding),
            )
        return found

    def length_penalty(self, decoding: Searching) -> float:
        """By which captions are ranked, or weighed for a consensus: the decoding's own, else the usual one of
        its way, else the variant's."""
        for penalty in (decoding.length_penalty, decoding.usual_length_penalty):
            if penalty is not None:
                return penalty
        return self.config.length_penalty

    @cached_property
    def rules(self) -> Rules:
        """What its captions keep to where constraints are asked for."""
        return Rules.of(self.vocabulary, self.device)

    def _rules_of(self, decoding: Decoding) -> Rules | None:
        constraints = self.config.constraints if decoding.constraints is None else decoding.constraints
        return self.rules if constraints else None

    def _captions_of(
        self, features: Tensor, decoding: Decoding, pictures: Sequence[str], search: CompiledSearch | None
    ) -> list[list[Caption]]:
        rules = self._rules_of(decoding)
        if isinstance(decoding, Sampling):
            drawn = self._read(ordered(self.drawn(features, decoding, pictures, rules)), rules)
            return [_once(image) for image in drawn]
        assert isinstance(decoding, Searching)
        captions = self._read(self._searched(features, decoding, rules, search), rules)
        if not isinstance(decoding, Consensus):
            return captions
        if decoding.drawn:
            drawn = self._read(self.drawn(features, decoding.drawing(), pictures, rules), rules)
            captions = [image + more for image, more in zip(captions, drawn, strict=True)]
        return consensus(captions, decoding.sharpness, self.length_penalty(decoding))

    def _searched(
        self, features: Tensor, decoding: Searching, rules: Rules | None, search: CompiledSearch | None
    ) -> Beams:
        beam, max_words, penalty = decoding.beam, self.config.max_words, self.length_penalty(decoding)
        predict_bos = self.config.predict_bos
        if search is not None:
            return search(
                features,
                beam=beam,
                max_words=max_words,
                length_penalty=penalty,
                predict_bos=predict_bos,
                rules=rules,
            )
        first, state = self.decoder.begin(features)
        groups, diversity = 1, 0.0
        if isinstance(decoding, DiverseBeamSearch):
            groups, diversity = decoding.groups, decoding.diversity
        return beam_search(
            first,
            state,
            self.decoder.step,
            beam=beam,
            max_words=max_words,
            length_penalty=penalty,
            predict_bos=predict_bos,
            rules=rules,
            groups=groups,
            diversity=diversity,
        )

    def _compiled_search(self, decoding: Decoding) -> CompiledSearch | None:
        """What searches for this decoding in the compiled kernel, with the decoder's weights of now."""
        plain = isinstance(decoding, Searching) and not isinstance(decoding, DiverseBeamSearch)
        if not self.compiled or not plain or not isinstance(self.decoder, TransformerDecoder):
            return None
        packed = state_of(self.decoder)
        if packed != self._packed:
            self._search, self._packed = CompiledSearch.of(self.decoder), packed
        search = self._search
        assert isinstance(decoding, Searching)
        return search if search is not None and search.fits(decoding.beam, self.config.max_words) else None

    def _read(self, beams: Beams, rules: Rules | None) -> list[list[Caption]]:
        """The captions of each picture that were found, in their order."""
        there = beams.scores.isfinite().tolist()
        return [
            [
                self._caption(ids, logprob, rules is not None)
                for ids, logprob, found in zip(*image, strict=True)
                if found
            ]
            for image in zip(beams.tokens.tolist(), beams.logprob.tolist(), there, strict=True)
        ]

    def _caption(self, ids: list[int], logprob: float, whole: bool) -> Caption:
        """whole: a caption that max_words cut off is ended before the words that lead on."""
        tokens = self.vocabulary.decode(ids)
        while whole and len(tokens) > 1 and ends_badly(tokens):
            tokens.pop()
        return Caption(join(tokens), tuple(tokens), logprob)

    def _pieces(self, count: int, decoding: Decoding) -> list[slice]:
        """The pictures that are decoded together: all that memory allows, but some for every thread."""
        threads = torch.get_num_threads() if self.device.type == "cpu" else 1
        size = min(self._at_once(decoding), max(ENOUGH, -(-count // threads)))
        return [slice(start, start + size) for start in range(0, count, size)]

    def _at_once(self, decoding: Decoding) -> int:
        """How many pictures are decoded together, so that memory is bounded whatever is asked for."""
        widths = [decoding.captions]
        if isinstance(decoding, Searching):
            widths.append(decoding.beam)
        if isinstance(decoding, Consensus):
            widths.append(decoding.drawn)
        return max(1, MOST_AT_ONCE // (max(widths) * len(self.vocabulary)))


def _check_hashes(features: Tensor, pictures: Sequence[str]) -> None:
    if len(pictures) != len(features):
        raise BadSetting(
            f"Drawing captions takes the content hash of each of the {len(features):,} pictures, not "
            f"{len(pictures)}."
        )


def _once(captions: Sequence[Caption]) -> list[Caption]:
    """Equal captions once, where the first of them stands."""
    return list({caption.tokens: caption for caption in reversed(captions)}.values())[::-1]
