"""What release 0.5.0 answers, as test data for later releases. Run with captionret 0.5.0, not with this release:

python make_with_0_5_0.py OUT

library/       a library of the sample photographs: three captions of each, word probabilities, features
checkpoints/   one small untrained checkpoint of each kind of network
answers.json   ranks, scores and reasons of every mode; captions of every way of decoding; vectors; fingerprints; scores
"""

import json
import shutil
import sqlite3
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from captionret import Captioner, Library
from captionret.cli.command import SHIPPED, SHIPPED_SPACES, WORDS_HEAD
from captionret.datasets.samples import PICTURES, sample_gallery
from captionret.evaluation.captions import score
from captionret.evaluation.modes import score_matrix
from captionret.evaluation.semantic import measure
from captionret.library.beliefs import StoredBeliefs
from captionret.models.backbones import backbone_record, BACKBONES
from captionret.models.believer import Believer
from captionret.models.captioner import new_decoder
from captionret.models.checkpoint import Checkpoint, save_checkpoint
from captionret.models.joint import JOINT, JointModel
from captionret.models.joint_variants import joint_config
from captionret.models.sentences import SentenceEncoder
from captionret.models.skipthought import SKIPTHOUGHT, SkipThought, combined, make_encoders
from captionret.models.skipthought_variants import SKIP_THOUGHTS
from captionret.models.towers import JointSpace
from captionret.models.variants import VARIANTS
from captionret.records import Decoding
from captionret.retrieval import MODES, find_mode
from captionret.retrieval import search as search_gallery
from captionret.searching import describe, move_by_feedback
from captionret.text import Vocabulary

WORDS = """a the dog cat man woman child runs sits stands plays on in with beach grass water snow street ball red blue white
black brown two people bike car tree house rides jumps looks at near of and""".split()
SENTENCES = ["a dog runs on the beach", "two people", "a red car near a tree", "the zebra sits", "a"]
TEXTS = ["a cat", "a person on a motorcycle", "a red flower and green leaves", "coins", "people in the street"]
LITE2 = "efficientnet_lite2"


def vocabulary() -> Vocabulary:
    return Vocabulary.build([" ".join(WORDS)] * 4, 1, False)


def backbone(name: str) -> dict[str, Any]:
    from captionret.models.backbones import load_backbone

    loaded = load_backbone(name)
    return backbone_record(name, loaded.weights_sha256)


def captioners(out: Path, record: dict[str, Any]) -> dict[str, Any]:
    found = {}
    dim, side = BACKBONES[LITE2].dim, 9
    random = np.random.default_rng(5)
    pooled = torch.from_numpy(random.normal(size=(4, dim)).astype(np.float32))
    grid = torch.from_numpy(random.normal(size=(4, side * side, dim)).astype(np.float32))
    rows = ["model1-lite", "model4-lite", "attention-lite", "adaptive-lite", "transformer-lite", "words-lite"]
    for name in rows:
        changes = {"backbone": LITE2, "embed_dim": 16, "hidden_dim": 16, "min_count": 1}
        if name in ("model1-lite", "model4-lite"):
            changes["says_start"] = name == "model4-lite"
        config = replace(VARIANTS[name], **changes)
        torch.manual_seed(7)
        words = vocabulary()
        decoder = new_decoder(config, dim, side * side, len(words))
        for parameter in decoder.parameters():
            if parameter.ndim > 1:
                parameter.data.mul_(3)  # far from uniform, so that an answer is no near tie
        made = Checkpoint(name, config, words, record, decoder.state_dict(), {"seconds": 1.0, "history": [], "best_epoch": 0})
        save_checkpoint(out / name, made, torch.float16)
        captioner = Captioner.load(out / name, "cpu")
        facts: dict[str, Any] = {"fingerprint": captioner.fingerprint}
        if name == "words-lite":
            facts["probabilities"] = captioner.believe(pooled).astype(float).round(6).tolist()
        else:
            features = grid if config.feature == "grid" else pooled
            for key, decoding in {"greedy": Decoding(beam=1), "beam3": Decoding(beam=3, captions=2),
                                  "sample": Decoding(method="sample", captions=2, seed=3),
                                  "nucleus": Decoding(method="nucleus", captions=2, seed=3, top_p=0.8, temperature=0.9),
                                  "diverse-beam": Decoding(method="diverse-beam", beam=4, groups=2, captions=2),
                                  "consensus": Decoding(method="consensus", beam=4, drawn=4, captions=1, seed=2)}.items():
                said = captioner.decode(features, decoding, [f"{row:064x}" for row in range(4)])
                facts[key] = [[[one.text, round(one.logprob, 5)] for one in image] for image in said]
        found[name] = facts
    return found


def spaces(out: Path, record: dict[str, Any]) -> dict[str, Any]:
    found = {}
    dim = BACKBONES[LITE2].dim
    features = np.random.default_rng(6).normal(size=(4, dim)).astype(np.float32)
    encoders = {}
    for direction in ("uni", "bi"):
        config = replace(SKIP_THOUGHTS["skip-lite"], direction=direction, word_dim=50, hidden_dim=16, vocabulary_size=60)
        torch.manual_seed(8)
        words = vocabulary()
        module = make_encoders(config, len(words))
        made = Checkpoint("skip-lite", config, words, {"name": "none", "sha256": ""}, module.state_dict(),
                          {"seconds": 1.0, "history": [], "best_epoch": 0}, kind=SKIPTHOUGHT.name)
        save_checkpoint(out / f"skip-{direction}", made, torch.float16)
        encoders[direction] = made
    both = combined(*(__import__("captionret.models.checkpoint", fromlist=["x"]).read_checkpoint(out / f"skip-{d}", SKIPTHOUGHT) for d in ("uni", "bi")))
    both.training.update(parts=["skip-uni", "skip-bi"], seconds=2.0, history=[], best_epoch=0)
    save_checkpoint(out / "skip-combine", both, torch.float16)
    for name in ("skip-uni", "skip-bi", "skip-combine"):
        model = SkipThought.load(out / name, "cpu")
        found[name] = {"fingerprint": model.fingerprint, "vectors": model.encode(SENTENCES).astype(float).round(6).tolist()}
    for name in ("vse", "vse++", "vse-bow", "vse-lstm", "devise", "glove-map", "sentence-map", "sentence-words", "vse++-tuned"):
        changes: dict[str, Any] = {"backbone": LITE2}
        row = joint_config(name)
        if not row.frozen_words and name not in ("devise", "glove-map"):
            changes |= {"dim": 16, "word_dim": 16 if name in ("vse-bow", "sentence-words") else 12}
        found[name] = space(out / name, name, replace(row, **changes), record, features)
    # the space that ranks on skip-thoughts names its encoder by path and hash: its copy beside it is found there
    uni = SkipThought.load(out / "skip-uni", "cpu")
    row = replace(joint_config("skipthought-rank"), backbone=LITE2, dim=16, code_dim=16,
                  skipthought="/captionret/checkpoints/skip-uni", skipthought_sha256=uni.fingerprint)
    found["skipthought-rank"] = space(out / "skipthought-rank", "skipthought-rank", row, record, features)
    return found


def space(path: Path, name: str, config: Any, record: dict[str, Any], features: np.ndarray) -> dict[str, Any]:
    torch.manual_seed(9)
    words = vocabulary()
    module = JointSpace(config, len(words))
    if module.idf is not None:
        module.idf.copy_(torch.linspace(1, 2, len(module.idf)))
    training = {"seconds": 1.0, "history": [], "best_epoch": 0, "labels": [], "unseen_labels": []}
    save_checkpoint(path, Checkpoint(name, config, words, record, module.state_dict(), training, kind=JOINT.name), torch.float16)
    model = JointModel.load(path, "cpu")
    readable = [text for text in SENTENCES if not model.read.lacks(text)]
    return {"fingerprint": model.fingerprint, "mode": model.mode, "readable": readable,
            "sentences": model.encode_sentences(readable).astype(float).round(6).tolist(),
            "images": model.encode_features(features).astype(float).round(6).tolist()}


def hits_of(gallery: Any, query: Any, mode: str) -> list[Any]:
    hits = search_gallery(gallery, query, mode, None)
    return [[hit.id, hit.score, list(hit.why)] for hit in hits]


def modes(library: Library, pictures: Path) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    gallery = library.gallery
    outside = pictures.parent / "outside.png"  # a part of a photograph, which the library does not hold
    from PIL import Image

    Image.open(pictures / "cat.png").convert("RGB").crop((40, 20, 400, 280)).save(outside)
    captioner = Captioner.load(SHIPPED, "cpu")
    for mode in MODES:
        found: dict[str, Any] = {}
        for name in ("cat.png", "motorcycle-left.png", "coffee.png"):
            query = describe(library, image=pictures / name, mode=mode, captioner=captioner, device="cpu")
            found[f"image:{name}"] = hits_of(gallery(), query, mode)
        query = describe(library, image=outside, mode=mode, captioner=captioner, device="cpu")
        found["image:outside"] = hits_of(gallery(), query, mode)
        moved = move_by_feedback(library, query, [pictures / "coffee.png"], ["moon.png"], mode=mode, captioner=captioner, device="cpu")
        found["feedback"] = hits_of(gallery(), moved, mode)
        if "text" in find_mode(mode).accepts:
            for text in TEXTS:
                query = describe(library, text=text, mode=mode, device="cpu")
                found[f"text:{text}"] = hits_of(gallery(), query, mode)
            query = describe(library, image=pictures / "cat.png", text="a cup of coffee", mode=mode, captioner=captioner, device="cpu")
            found["both"] = hits_of(gallery(), query, mode)
        prepared = gallery().prepared[mode]
        query = describe(library, image=pictures / "cat.png", mode=mode, captioner=captioner, device="cpu")
        found["explained"] = json.loads(json.dumps(asdict(prepared.explain(query, 3))))
        answers[mode] = found
    for plus, minus in ((["a motorcycle"], ["a cat"]),):
        query = describe(library, image=pictures / "cat.png", mode="vse", captioner=captioner, device="cpu", plus=plus, minus=minus)
        answers["vse"]["plus a motorcycle minus a cat"] = hits_of(gallery(), query, "vse")
    return answers


def measured(library: Library) -> dict[str, Any]:
    gallery = library.gallery()
    relevance = np.random.default_rng(3).random((len(gallery), len(gallery)))
    relevance = relevance + relevance.T
    return {name: asdict(measure(score_matrix(MODES[name], gallery), relevance).summary()) for name in MODES}


def main(out: Path) -> None:
    torch.set_num_threads(1)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    pictures = sample_gallery(out.parent / "samples")
    record = backbone(LITE2)
    answers: dict[str, Any] = {"checkpoints": captioners(out / "checkpoints", record) | spaces(out / "checkpoints", record)}
    captioner = Captioner.load(SHIPPED, "cpu")
    head, joint = Captioner.load(WORDS_HEAD, "cpu"), JointModel.load(SHIPPED_SPACES["vse"], "cpu")
    believer = Believer(head=head)
    answers["fingerprints"] = {"photos-lite": captioner.fingerprint, "words-lite": head.fingerprint, "photos-space": joint.fingerprint,
                               "predictor": believer.fingerprint, "drawing predictor": Believer(head, captioner).fingerprint}
    paths = sorted(pictures.glob("*.*"))
    paths = [path for path in paths if path.suffix in (".png", ".jpg")]
    space_path = str(SHIPPED_SPACES["vse"])
    ways = {"beam3": Decoding(beam=3, captions=2), "greedy": Decoding(beam=1),
            "diverse-beam": Decoding(method="diverse-beam", beam=6, groups=3, captions=3),
            "nucleus": Decoding(method="nucleus", captions=2, seed=1, temperature=0.8),
            "sample": Decoding(method="sample", captions=2, seed=1, top_k=20),
            "consensus": Decoding(method="consensus", beam=10, drawn=10, captions=1),
            "matched": Decoding(method="matched", beam=10, spaces=(space_path,), spaces_sha256=(joint.fingerprint,))}
    answers["captions"] = {}
    for name, decoding in ways.items():
        said = [result for batch in captioner.caption_stream(paths, decoding=decoding, batch_size=32) for result in batch]
        answers["captions"][name] = {path.name: [[one.text, round(one.logprob, 4)] for one in result.captions]
                                     for path, result in zip(paths, said, strict=True)}
    answers["texts in the shipped space"] = joint.encode_sentences(TEXTS)[:, :8].astype(float).round(5).tolist()
    folder = out / "library"
    with Library.create(folder, pictures) as library:
        library.update(pictures, captioner, decoding=Decoding(beam=5, captions=3), progress=False)
        library.believe(believer, progress=False)
        library.use_space("vse", joint)
        for mode, name in {"devise": "devise", "glove-map": "glove-map", "skip-thoughts": "skipthought-rank"}.items():
            library.use_space(mode, JointModel.load(out / "checkpoints" / name, "cpu"))
        answers["modes"] = modes(library, pictures)
        answers["measures"] = measured(library)
        answers["library"] = {name: [c.text for c in library.captions(sha)] for name, sha in zip(library.gallery().paths, library.gallery().hashes)}
    human = {"1": ["a cat sits on a sofa", "a tabby cat"], "2": ["a man rides a bike"], "3": ["a dog on a beach", "the dog runs"]}
    scores = score({"1": "a cat on a sofa", "2": "a man rides a horse", "3": "a dog runs"}, human)
    answers["caption scores"] = {name: value for name, value in vars(scores).items() if isinstance(value, int | float)} if hasattr(scores, "__dict__") else {
        name: getattr(scores, name) for name in ("bleu1", "bleu2", "bleu3", "bleu4", "rouge_l", "cider_d")}
    with sqlite3.connect(folder / "catalogue.sqlite") as connection:  # no folder of the machine that made it
        connection.execute("UPDATE meta SET value = '/photographs' WHERE key = 'root'")
        (described,) = connection.execute("SELECT described FROM captioners").fetchone()
        facts = json.loads(described) | {"checkpoint": "/captionret/checkpoints/photos-lite"}
        connection.execute("UPDATE captioners SET described = ?", (json.dumps(facts),))
    connection.close()
    stored = StoredBeliefs.read(folder)
    assert stored is not None
    stored.made_by["head"] = "/captionret/checkpoints/words-lite"
    stored.write(folder)
    (folder / "update.lock").unlink(missing_ok=True)

    (out / "answers.json").write_text(json.dumps(answers, ensure_ascii=False, indent=0) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
