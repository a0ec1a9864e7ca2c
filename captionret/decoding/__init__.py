"""How captions are found in what a captioner predicts: one small row of settings for each way. No torch.

    from captionret.decoding import BeamSearch, NucleusSampling

    captioner.caption("q.jpg", decoding=BeamSearch(5, captions=3))
    captioner.caption("q.jpg", decoding=NucleusSampling(top_p=0.8, captions=5, seed=1))

A library remembers its decoding as JSON (`to_json`, `decoding_from_json`); what release 0.5.0 wrote is read.
"""

from .own_way import OwnWay
from .record import DECODINGS, decoding_from_json, decoding_way, usual
from .rerank import Reference, Rerank
from .ways import (
    NAMED_FROM,
    BeamSearch,
    Consensus,
    Decoding,
    DiverseBeamSearch,
    NucleusSampling,
    Sampling,
    Searching,
    display_fields,
)

__all__ = [
    "DECODINGS",
    "NAMED_FROM",
    "BeamSearch",
    "Consensus",
    "Decoding",
    "DiverseBeamSearch",
    "NucleusSampling",
    "OwnWay",
    "Reference",
    "Rerank",
    "Sampling",
    "Searching",
    "decoding_from_json",
    "decoding_way",
    "display_fields",
    "usual",
]
