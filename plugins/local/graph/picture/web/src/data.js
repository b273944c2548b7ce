// Reads the pieces of data that the page holds: base64 of raw deflate, in elements that are no script.

/** bytes answers a piece as bytes, and drops its text. */
export async function bytes(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no ${id}: it is cut off`);
  const text = element.textContent;
  element.remove();
  const raw = Uint8Array.fromBase64 ? Uint8Array.fromBase64(text) : Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** json answers a piece that is JSON. */
export async function json(id) {
  return JSON.parse(new TextDecoder().decode(await bytes(id)));
}

/** columns cuts a piece into arrays, one after the other, each of count values of a type. */
export function columns(data, count, types) {
  let at = 0;
  return types.map((type) => {
    const size = count * type.BYTES_PER_ELEMENT;
    const column = new type(data.buffer.slice(data.byteOffset + at, data.byteOffset + at + size));
    at += size;
    return column;
  });
}

/** whole resolves when the page has been read to its end. */
export const whole = new Promise((resolve) => {
  if (document.readyState !== "loading") resolve();
  else document.addEventListener("DOMContentLoaded", () => resolve(), { once: true });
});
