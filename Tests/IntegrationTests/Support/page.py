"""Takes a page of actions apart without losing a byte: a JSON parser would give values, not what was served."""

import json

from Support.node import Failure

_decoder = json.JSONDecoder()
_SPACE = " \t\r\n"


class Page:
    """`bodies` as raw bytes in the page's order, `hrefs`, and the path of the `next` link."""

    def __init__(self, raw):
        text = raw.decode("utf-8")  # strict: a page is valid UTF-8
        json.loads(text)  # and as a whole valid JSON
        members = {name: (start, end) for name, start, end in _members(text)}
        if set(members) != {"links", "messages"}:
            raise Failure(f"a page has the members {sorted(members)}, not links and messages")
        links = json.loads(text[slice(*members["links"])])
        self.next = next((link["href"] for link in links if link["rel"] == "next"), None)
        self.bodies, self.hrefs, self.ttls, self.ages = [], [], [], []
        for start, end in _elements(text, members["messages"][0]):
            item = text[start:end]
            parts = {name: item[a:b] for name, a, b in _members(item)}
            if set(parts) != {"href", "ttl", "age", "body"}:
                raise Failure(f"a message has the members {sorted(parts)}, not href, ttl, age and body")
            self.bodies.append(parts["body"].encode("utf-8"))
            self.hrefs.append(json.loads(parts["href"]))
            self.ttls.append(int(parts["ttl"]))
            self.ages.append(int(parts["age"]))


def _skip(text, index):
    while text[index] in _SPACE:
        index += 1
    return index


def _members(text):
    """(name, start, end) of each member of the object that `text` begins with.

    The range is all between the colon and what ends the member: white space around a body is part of what was served.
    """
    index = _skip(text, _skip(text, 0) + 1)
    while text[index] != "}":
        name, index = _decoder.raw_decode(text, index)
        start = _skip(text, index) + 1  # behind the colon
        _, end = _decoder.raw_decode(text, _skip(text, start))
        index = _skip(text, end)
        yield name, start, index
        if text[index] == ",":
            index = _skip(text, index + 1)


def _elements(text, start):
    """(start, end) of each element of the array at `start`, or behind white space there."""
    index = _skip(text, _skip(text, start) + 1)
    while text[index] != "]":
        _, end = _decoder.raw_decode(text, index)
        yield index, end
        index = _skip(text, end)
        if text[index] == ",":
            index = _skip(text, index + 1)
