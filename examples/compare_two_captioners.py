"""Compare what two captioners write about the same pictures, and how alike their captions are.

python examples/compare_two_captioners.py photos-lite checkpoints/mine a.jpg b.jpg c.jpg
python examples/compare_two_captioners.py photos-lite photos-lite *.jpg --beam 1 5

With two beams the same checkpoint can be compared with itself: greedy against a beam of 5, as in the second
line.
"""

import argparse
from statistics import mean

from captionret import BeamSearch, Caption, Captioner


def main() -> None:
    """Show both captions of each picture, and over all pictures how much they share."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("first", help="a checkpoint, by name or directory")
    options.add_argument("second", help="another one")
    options.add_argument("pictures", nargs="+")
    options.add_argument("--beam", type=int, nargs=2, default=(3, 3), metavar=("FIRST", "SECOND"))
    given = options.parse_args()

    columns: list[list[Caption]] = []
    for name, beam in zip((given.first, given.second), given.beam, strict=True):
        captioner = Captioner.load(name)
        print(captioner)
        columns.append([best for best, *_ in captioner.caption(given.pictures, decoding=BeamSearch(beam))])

    shared = []
    for picture, ours, theirs in zip(given.pictures, *columns, strict=True):
        both, either = {*ours.tokens} & {*theirs.tokens}, {*ours.tokens} | {*theirs.tokens}
        shared.append(len(both) / len(either))
        print(f"\n{picture}\n  {ours.text}  ({ours.logprob:.1f})\n  {theirs.text}  ({theirs.logprob:.1f})")
    equal = sum(ours.text == theirs.text for ours, theirs in zip(*columns, strict=True))
    print(f"\n{equal} of {len(given.pictures)} captions are equal; on average they share {mean(shared):.0%}.")


if __name__ == "__main__":
    main()
