"""Files and frames: what placer reads and writes, told by content."""

from placer.formats.inputs import load
from placer.formats.outputs import write
from placer.formats.registry import Format, formats, schema

__all__ = ["Format", "formats", "load", "schema", "write"]
