"""Search a folder of pictures by a sentence or by another picture.

python examples/search_a_folder.py ~/Pictures "a dog on a beach"
python examples/search_a_folder.py ~/Pictures q.jpg --mode expected-cosine

The folder is captioned the first time, which takes a while; later only new and changed pictures are.
"""

import argparse
import logging

from captionret import Searcher, list_modes


def main() -> None:
    """Show the hits, and the words that made each of them."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("folder", help="a folder of pictures, or a library by name or path")
    options.add_argument("query", help="words, or the file of a picture")
    options.add_argument("--mode", default="jaccard", choices=sorted(list_modes()), metavar="MODE")
    options.add_argument("--top", type=int, default=5)
    options.add_argument("--captioner", help="a checkpoint (default: the shipped one)")
    given = options.parse_args()

    logging.basicConfig(level=logging.INFO, format="%(message)s")  # say what is captioned and loaded
    with Searcher(given.folder, captioner=given.captioner) as searcher:
        result = searcher.search(given.query, mode=given.mode, top=given.top)
        if result.caption:
            print(f"The query: {result.caption}")
        for hit, path in zip(result, result.paths, strict=True):
            print(f"{hit.rank:2}  {hit.score:.2f}  {path}  {hit.caption}  [{' '.join(hit.why)}]")


if __name__ == "__main__":
    main()
