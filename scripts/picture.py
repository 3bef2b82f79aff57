"""Draws what a terminal shows, with its colours, as an SVG. Reads text with SGR sequences, writes the picture."""

import html
import re
import sys

COLUMN, LINE, MARGIN = 8.4, 18, 16
COLOURS = {30: "#484f58", 31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 34: "#79c0ff", 35: "#d2a8ff", 36: "#76e3ea", 37: "#c9d1d9", 90: "#8b949e"}
PLAIN = "#c9d1d9"


def spans(line):
    """The pieces of a line that look alike: (text, colour, bold, dim)."""
    colour, bold, dim = PLAIN, False, False
    for piece in re.split(r"(\x1b\[[0-9;]*m)", line):
        sequence = re.fullmatch(r"\x1b\[([0-9;]*)m", piece)
        if not sequence:
            if piece:
                yield piece, colour, bold, dim
            continue
        for code in (int(code or 0) for code in sequence.group(1).split(";")):
            if code == 0:
                colour, bold, dim = PLAIN, False, False
            elif code == 1:
                bold = True
            elif code == 2:
                dim = True
            elif code == 22:
                bold = dim = False
            elif code == 39:
                colour = PLAIN
            elif code in COLOURS:
                colour = COLOURS[code]


def draw(lines):
    width = 96 * COLUMN + 2 * MARGIN
    height = len(lines) * LINE + 2 * MARGIN
    yield f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" role="img" aria-label="scripts/demo --once in a terminal">'
    yield '<rect width="100%" height="100%" rx="8" fill="#0d1117"/>'
    yield '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14">'
    for number, line in enumerate(lines):
        column = 0
        for text, colour, bold, dim in spans(line):
            style = (' font-weight="bold"' if bold else "") + (' opacity="0.6"' if dim else "")
            x, y = MARGIN + column * COLUMN, MARGIN + (number + 0.8) * LINE
            # Readers of SVG drop blanks at the ends and join those within: what begins with some begins further right.
            inner = text.strip()
            x += (len(text) - len(text.lstrip())) * COLUMN
            length = len(inner) * COLUMN
            if inner:
                inner = html.escape(inner).replace(" ", "\u00a0")
                yield f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}"{style} textLength="{length:.1f}">{inner}</text>'
            column += len(text)
    yield "</g>"
    yield "</svg>"


shown = [line.rstrip() for line in sys.stdin.read().rstrip().splitlines()]
print("\n".join(draw(shown)))
