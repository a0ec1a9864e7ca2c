"""Shows files that lie outside docs/ as pages of the site, so that one relative link is right in both places.

A page that says [the results](../benchmarks/RESULTS.md) leads to that file where the repository is read, and
to the page results.html on the site.
"""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pygments.formatters import HtmlFormatter

ROOT = Path(__file__).resolve().parents[1]
# file -> page
PAGES = {
    "benchmarks/RESULTS.md": "results.md",
    "checkpoints/RESULTS.md": "results-of-captions.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
_LINK = re.compile(r"(\]\()(\.\./)?([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages, and the pictures that stand beside their files."""
    files.append(File.generated(config, "css/code.css", content=_code_colours()))
    for name, page in PAGES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
        for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", text):
            files.append(File.generated(config, picture, abs_src_path=str((ROOT / name).parent / picture)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links to those files to their pages, and from these pages to where files are on the site."""
    own = {page: Path(name).parent for name, page in PAGES.items()}.get(page.file.src_uri)

    def led(link: re.Match[str]) -> str:
        start, up, target = link.groups()
        if own is not None:  # a page of the repository: "docs/modes.md" is "modes.md" here
            target = (own / target).as_posix()
            inside = PAGES.get(target) or target.removeprefix("docs/")
            return f"{start}{Path(inside).name if inside.endswith('.png') else inside}"
        if up and target.endswith(".png"):  # a picture that stands beside one of those files
            return f"{start}{Path(target).name}"
        return f"{start}{PAGES[target]}" if up and target in PAGES else link[0]

    return _LINK.sub(led, markdown)


def _code_colours() -> str:
    """The colours of listings, on light and on dark pages."""
    styles = {"light": "default", "dark": "github-dark"}
    return "\n".join(
        HtmlFormatter(style=style).get_style_defs(f'[data-bs-theme="{theme}"] .highlight')
        for theme, style in styles.items()
    )
