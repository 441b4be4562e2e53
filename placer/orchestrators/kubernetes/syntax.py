"""
The forms of names, label keys and label values: Kubernetes, "Object Names and IDs" and "Labels and Selectors".

Each function gives what is wrong, or an empty text. Results are kept by text: labels repeat by the thousand.
"""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST_LABEL = 63
LONGEST_NAME = 253

_WORD = re.compile(r"(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_DNS_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
_DNS_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_OF_A_WORD = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
_OF_A_NAME = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character"
)
_OF_A_LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character"
)


@lru_cache(maxsize=65536)
def label_key_fault(key: str) -> str:
    """Of a label's key, a topology key, or another qualified name."""
    prefix, slash, name = key.rpartition("/")
    if "/" in prefix:
        return f"a valid label key {_OF_A_WORD}, with an optional DNS subdomain prefix and '/'"
    if slash and not prefix:
        return "prefix part must be non-empty"
    fault = subdomain_fault(prefix) if prefix else ""
    if fault:
        return f"prefix part {fault}"
    if not name:
        return "name part must be non-empty"
    if len(name) > LONGEST_LABEL:
        return f"name part must be no more than {LONGEST_LABEL} bytes"
    return "" if _WORD.fullmatch(name) else f"name part {_OF_A_WORD}"


@lru_cache(maxsize=65536)
def label_value_fault(value: str) -> str:
    """Of a label's value, which may be empty."""
    if len(value.encode("utf-8", "surrogatepass")) > LONGEST_LABEL:
        return f"must be no more than {LONGEST_LABEL} bytes"
    return "" if not value or _WORD.fullmatch(value) else f"a valid label must be an empty string or {_OF_A_WORD[5:]}"


@lru_cache(maxsize=4096)
def subdomain_fault(name: str) -> str:
    """Of the name of most objects, such as a node or a claim."""
    if len(name) > LONGEST_NAME:
        return f"must be no more than {LONGEST_NAME} bytes"
    return "" if _DNS_NAME.fullmatch(name) else _OF_A_NAME


@lru_cache(maxsize=4096)
def dns_label_fault(name: str) -> str:
    """Of the name of a container, a volume or a namespace."""
    if len(name) > LONGEST_LABEL:
        return f"must be no more than {LONGEST_LABEL} bytes"
    return "" if _DNS_LABEL.fullmatch(name) else _OF_A_LABEL
