"""Screenshots as small PNG files: a palette of up to 256 colours (PNG, 3rd edition, colour type 3), by the browser.

Colours that lie near each other become one, the more frequent of them: so near that nobody sees it, and no further
than 256 colours need. There is no dithering: letters stay sharp, and even areas pack well.
"""

import base64
import struct
import zlib

from playwright.async_api import Page

_INDEX = """async (data) => {
  const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], {type: 'image/png'}));
  const {width, height} = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d');
  context.drawImage(bitmap, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const all = [...counts].sort((one, other) => other[1] - one[1] || one[0] - other[0]).map(([colour]) => colour);
  const apart = (one, other) => Math.max(
    Math.abs((one & 255) - (other & 255)),
    Math.abs((one >> 8 & 255) - (other >> 8 & 255)),
    Math.abs((one >> 16 & 255) - (other >> 16 & 255)),
  );
  let palette = [];
  const place = new Map();
  for (let limit = 0; ; limit += 2) {
    palette = [];
    place.clear();
    for (const colour of all) {
      let near = palette.findIndex((chosen) => apart(chosen, colour) <= limit);
      if (near < 0) near = palette.push(colour) - 1;
      if (palette.length > 256) break;
      place.set(colour, near);
    }
    if (palette.length <= 256) break;
  }
  let text = '';
  const line = new Uint8Array(width);
  for (let row = 0; row < height; row++) {
    for (let x = 0; x < width; x++) line[x] = place.get(pixels[row * width + x]);
    text += String.fromCharCode(...line);
  }
  return {width, height, palette, indices: btoa(text)};
}"""


async def small_png(page: Page, png: bytes) -> bytes:
    """The same picture with a palette.

    Args:
        page: a blank one, whose policy allows to run scripts.
        png: as a screenshot gives it.
    """
    found = await page.evaluate(_INDEX, base64.b64encode(png).decode())
    width, height = found["width"], found["height"]
    indices = base64.b64decode(found["indices"])
    rows = b"".join(b"\0" + indices[at : at + width] for at in range(0, width * height, width))
    palette = b"".join(struct.pack("<I", colour & 0xFFFFFFFF)[:3] for colour in found["palette"])
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
