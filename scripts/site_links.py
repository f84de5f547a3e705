"""Checks the links of a site of static files: each names a file of the site and, where it has one, an anchor in it.

Prints each broken link, and fails if there are any. Folders that pages link to get an index.html with their files.
"""

import html
import os
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urlparse


class Page(HTMLParser):
    """The links and the anchors of a page. Only those of mdbook have links: other HTML is an example, with template tags."""

    def __init__(self, path):
        super().__init__()
        self.links = []
        self.anchors = set()
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.feed(text)
        if "<!-- Book generated using mdBook -->" not in text:
            self.links = []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.anchors.update(attrs[key] for key in ("id", "name") if attrs.get(key))
        target = attrs.get("href") if tag == "a" else attrs.get("src") if tag == "img" else None
        if target:
            self.links.append(target)


def write_index(folder):
    names = sorted(name for name in os.listdir(folder) if name != "index.html")
    for number, name in enumerate(names):
        if os.path.isdir(os.path.join(folder, name)):
            write_index(os.path.join(folder, name))
            names[number] += "/"
    items = "".join(f'<li><a href="{html.escape(name)}">{html.escape(name)}</a>' for name in names)
    with open(os.path.join(folder, "index.html"), "w", encoding="utf-8") as file:
        file.write(f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Files</title><ul>{items}</ul>')


def main(site):
    pages, broken, links = {}, [], 0
    for folder, _, names in os.walk(site):
        for name in names:
            if name.endswith(".html") and name not in ("print.html", "404.html"):
                path = os.path.join(folder, name)
                pages[path] = Page(path)
    for path, page in list(pages.items()):
        for link in page.links:
            target, anchor = urldefrag(link)
            if urlparse(link).scheme or link.startswith("//"):
                continue
            links += 1
            file = os.path.normpath(os.path.join(os.path.dirname(path), unquote(target))) if target else path
            if os.path.isdir(file):
                if not os.path.exists(os.path.join(file, "index.html")):
                    write_index(file)
                file = os.path.join(file, "index.html")
            if not os.path.isfile(file):
                broken.append(f"{path}: {link}: no such file")
            elif anchor and file.endswith(".html"):
                if file not in pages:
                    pages[file] = Page(file)
                if unquote(anchor) not in pages[file].anchors:
                    broken.append(f"{path}: {link}: no such anchor")
    print("\n".join(broken) or f"{links} links of {len(pages)} pages hold", file=sys.stderr)
    sys.exit(1 if broken or not links else 0)


main(sys.argv[1])
