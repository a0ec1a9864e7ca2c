"""Building a captioned data set from the web: sources name pictures, `collect` fetches those that are good,
each once.

    from captionret.collecting.collect import collect
    from captionret.collecting.wanted import Wanted, from_sources
    from captionret.collecting.sources import Options, open_source

    sources = [open_source("openverse", Options())]
    found = collect([Wanted("a red bicycle", from_sources("a red bicycle", sources), 40)], Path("data/mine"))
    open_dataset("table:data/mine/captions.csv")
"""
