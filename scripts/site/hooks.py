"""MkDocs hook: generates the start page from README.md and the reference from the code; neither is committed."""

import re
from pathlib import Path

import commands_page
import config_pages
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
FROM_ROOT = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "reference/api.md": "scripts/site/api.md",
}
# Resources that a page would load from other sites; links are fine.
FOREIGN = re.compile(r"<(?:script|img|iframe|link(?! rel=.?canonical))\b[^>]*(?:src|href)=[\"']?(?:https?:)?//[^>]*>")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    pages = {page: _at_home((ROOT / source).read_text(encoding="utf-8")) for page, source in FROM_ROOT.items()}
    pages |= {"reference/commands.md": commands_page.page()}
    pages |= {f"reference/config/{name}.md": text for name, text in config_pages.pages().items()}
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def _at_home(text: str) -> str:
    """Converts links relative to the repository into links relative to the docs folder."""
    for page, source in FROM_ROOT.items():
        text = text.replace(f"]({source}", f"]({page}")
    return text.replace("](docs/", "](")


def on_post_page(output: str, page: object, config: MkDocsConfig) -> str:
    foreign = FOREIGN.search(output)
    if foreign:
        raise PluginError(f"{page} loads a resource of another site: {foreign.group()}")
    return output
