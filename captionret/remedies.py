"""What to do about errors, a row each, in the terms of whoever asks: Python calls, or commands and options.

raise BadLibrary(f"{path} holds no word probabilities.", remedy("predict words", library=path))
"""

from .config import Registry
from .errors import Remedy

REMEDIES: Registry[Remedy] = Registry("remedy")


def _row(key: str, python: str, shell: str) -> None:
    REMEDIES.add(key, Remedy(key, python, shell))


def remedy(key: str, **facts: object) -> Remedy:
    """The remedy of that name, its blanks filled with `facts`. errors: UnknownName"""
    row = REMEDIES[key]
    return Remedy(key, row.python.format(**facts), row.shell.format(**facts))


# Rows in the order in which a user meets them; blanks are the keyword arguments of `remedy`.
_row(
    "train",
    "Give the directory of one, or train one (captionret.training).",
    "Give another directory, or train one: captionret {command} --out {path}",
)
_row(
    "train captioner",
    "Train one (captionret.app.trainings), or name some.",
    "Train one (captionret train-captioner) or name some (--checkpoints).",
)
_row(
    "skip-thoughts",
    "Name its directory in the config's field `skipthought`.",
    "Add --set skipthought=DIR.",
)
_row("resume", "Go on with resume=True.", "Go on with --resume.")
_row("begin", "Train without resume=True.", "Leave --resume out.")
_row(
    "lower the rate",
    "Lower the rate (config.learning_rate) and train again into another directory.",
    "Lower the rate (--set learning_rate=...) and train again into another --out.",
)
_row(
    "another network",
    "Take the settings of its variant, or those that differ: {theirs}.",
    "Choose its --variant, or add --set {theirs}.",
)
_row(
    "predict words",
    "Make them: library.predict_words(WordPredictor.load()).",
    "Make them: captionret predict-words --library {library}.",
)
_row(
    "own captioner",
    'Modes "auto" and "words" ask the captions. For others let a model caption them, too: '
    'library.update(captioner=Captioner.load("photos-lite")).',
    "Modes auto and words ask the captions. For others let a model caption them, too: captionret index "
    "--library NAME --checkpoint photos-lite.",
)
_row(
    "word mode",
    "Make a library's: library.predict_words(WordPredictor.load()), or choose a mode that compares captions.",
    "Make a library's: captionret predict-words --library NAME, or choose a mode that compares captions.",
)
_row(
    "space",
    "Use a library with an embedding space: Searcher(library, spaces=[DIRECTORY]), or choose another mode.",
    "Use a library with an embedding space: --embedding DIR, or choose another --mode.",
)
_row(
    "encoder",
    "Give one: library.encode_pictures(load_encoder(SPEC)), SPEC being open_clip:MODEL/PRETRAINED or "
    "transformers:DIR.",
    "Give one: captionret index DIR --encoder SPEC, SPEC being open_clip:MODEL/PRETRAINED or "
    "transformers:DIR.",
)
_row(
    "trust code",
    "Read it; if you trust it: load_encoder(SPEC, trust_remote_code=True).",
    "Read it; if you trust it, add --trust-remote-code.",
)
_row(
    "captioner",
    "Give the captioner that made the library: captioner=Captioner.load(PATH), or caption it again: "
    "library.update(captioner=..., recaption=True).",
    "Give the library's own --checkpoint, or caption it again: captionret index DIR --recaption.",
)
_row(
    "checkpoint",
    "Restore it, or put it into the folder checkpoints.",
    "Restore it, or put it into the folder checkpoints.",
)
_row(
    "index again",
    "It is made again by library.update().",
    "It is made again by captionret index.",
)
_row(
    "predict again",
    "Make the word probabilities again: library.predict_words(WordPredictor.load()).",
    "Make the word probabilities again: captionret predict-words --library NAME.",
)
_row(
    "calibrate",
    "Make the calibration again: calibrate(open_dataset(...), library=...) of "
    "captionret.app.measuring.calibrating.",
    "Make the calibration again: captionret calibrate --data SPEC, with --library NAME for a library's own.",
)
_row(
    "reference captions",
    "Make it again: chosen_by(spaces, captions_from) of captionret.app.loading.rerankers.",
    "Caption again with --captions-from KIND:PATH.",
)
_row(
    "make reranker",
    "Pass one: reranker=captionret.app.loading.rerankers.reranker_for(decoding).",
    "Name the spaces: --embedding DIR.",
)
_row(
    "find space",
    "Pass the one that is meant: reranker=Reranker([EmbeddingModel.load(PATH)]).",
    "Put it into ./checkpoints, or caption again with another: --embedding DIR --recaption.",
)
_row(
    "caption a folder",
    "Check its name, or caption a folder: Library.create(path, folder).update().",
    "Check its name, or caption a folder: captionret index FOLDER --library NAME.",
)
_row("another library", "Use another path for the library.", "Give another --library.")
_row(
    "open instead",
    "Open it: Library.open(path), or use another path.",
    "Update it, or give another --library.",
)
_row(
    "allow empty",
    "If all of them are meant to be dropped, say so: update(allow_empty=True).",
    "If all of them are meant to be dropped, say so: --allow-empty.",
)
_row(
    "relocate",
    "If the folder was moved, say so: update(folder, relocate=True); otherwise use another library.",
    "If the folder was moved, say so (--relocate); otherwise give another --library.",
)
_row(
    "recaption",
    "Caption everything again (update(recaption=True)), or use another library.",
    "Caption everything again (--recaption), or give another --library.",
)
_row(
    "load captioner",
    "Give one: library.update(captioner=Captioner.load('photos-lite')); `captionret.Library` finds its own.",
    "Name its checkpoint: --checkpoint DIR.",
)
_row(
    "predictor",
    "Give one: library.predict_words(WordPredictor.load()); `captionret.Library` finds its own.",
    "Name a lexical head: --head DIR.",
)
_row(
    "which pictures",
    "Name it as `[picture.path for picture in library]` does.",
    "Name it as the answers of captionret search do.",
)
_row(
    "train space",
    "Train one (model {model}) and give it: Searcher(library, spaces=[DIRECTORY]).",
    "Train one (captionret train-embedding --variant {model} --data KIND:PATH --out DIR) and give it: "
    "--embedding DIR.",
)
_row(
    "shorter lists",
    "Caption more, or ask for a smaller k.",
    "Caption more, or lower --k.",
)
_row(
    "useless space",
    "Leave spaces out, or choose the mode that compares in it: mode='embedding' in the shipped one's kind.",
    "Leave --embedding out, or choose the --mode that compares in it.",
)
_row(
    "space mode",
    "Choose mode='embedding' or another mode of a space.",
    "Choose --mode embedding or another mode of a space.",
)
_row(
    "caption first",
    "Caption its pictures first: library.update().",
    "Caption its pictures first: captionret index DIR --library NAME.",
)
_row(
    "which gallery",
    "Give the name or path of a library, or a folder of pictures.",
    "Give --library NAME, or --gallery DIR with a folder of pictures.",
)
_row(
    "other targets",
    "Take the nouns of their captions (targets='nouns'), or the captions themselves (targets='captions').",
    "Take the nouns of their captions (--set targets=nouns), or the captions themselves (--set "
    "targets=captions).",
)
_row(
    "skip-thought encoder",
    "Put it back, or train one (captionret.training).",
    "Put it back, or train one: captionret train-skipthought.",
)
_row(
    "score a file",
    "Score a file of captions: CaptionScoring(results=FILE).",
    "Give --results FILE.",
)
_row(
    "results of another split",
    "Give the collection and the split that it was made for.",
    "Give the --data and --split that it was made for.",
)
_row(
    "get backbone",
    "Fetch it with download.sh, or use a lite variant, whose weights are installed with the requirements.",
    "Run ./download.sh backbones, or use a lite variant, whose weights are installed with the requirements.",
)
_row(
    "get word vectors",
    "Fetch them with download.sh, or choose vectors='glove-50', which come with a package.",
    "Run ./download.sh glove, or choose a variant with glove-50 (model5-lite).",
)
