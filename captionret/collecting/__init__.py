"""Building a captioned data set from the web: sources name pictures, `collect` fetches those that are good,
each once.

    found = collect([Wanted("a red bicycle", SOURCES["openverse"].open(Options()))], Path("data/mine"))
    open_dataset("table:data/mine/captions.csv")
"""

from .candidates import Candidate
from .collect import Collected, Wanted, collect
from .judging import Standards
from .sources import SOURCES, Options, Source

__all__ = ["SOURCES", "Candidate", "Collected", "Options", "Source", "Standards", "Wanted", "collect"]
