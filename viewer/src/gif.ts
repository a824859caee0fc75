// An animated GIF, for browsers that cannot write films: one palette by median cut, pixels packed by LZW.

const BITS = 5; // of each channel that colours are told apart by
const COLOURS = 256;
const TURNS = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5]; // Bayer's order of 4 x 4 neighbours
const [CLEAR, END, LONGEST] = [256, 257, 4096]; // codes of LZW, and how many there are
const [FILE, LOOP] = ["GIF89a", "NETSCAPE2.0"];

/** Frames of one size, each shown for so many hundredths of a second, over and over. */
export function gif(frames: ImageData[], hundredths: number): Blob {
  const { width, height } = frames[0]!;
  const coded = frames.map(codes);
  const { palette, places } = paletteOf(coded);
  const head = [...ascii(FILE), ...short(width), ...short(height), 0xf7, 0, 0, ...palette];
  const loop = [0x21, 0xff, LOOP.length, ...ascii(LOOP), 3, 1, 0, 0, 0];
  const parts = [Uint8Array.from([...head, ...loop])];
  for (const frame of coded) {
    const control = [0x21, 0xf9, 4, 4, ...short(hundredths), 0, 0];
    const place = [0x2c, 0, 0, 0, 0, ...short(width), ...short(height), 0, 8];
    parts.push(Uint8Array.from([...control, ...place]), blocks(packed(frame.map((code) => places[code]!))));
  }
  return new Blob([...parts, Uint8Array.of(0x3b)], { type: "image/gif" });
}

/** Colours of pixels with few bits; what is lost is given to neighbours in turn, so that shades have no steps. */
function codes({ data, width }: ImageData): Uint16Array {
  const found = new Uint16Array(data.length / 4);
  for (let k = 0; k < found.length; k++) {
    const more = TURNS[(Math.floor(k / width) % 4) * 4 + (k % width) % 4]! / 2; // below 8, a step of five bits
    for (let c = 0; c < 3; c++) found[k] = (found[k]! << BITS) | (Math.min(data[4 * k + c]! + more, 255) >> (8 - BITS));
  }
  return found;
}

function channel(code: number, k: number): number {
  return (code >> ((2 - k) * BITS)) & ((1 << BITS) - 1);
}

/** The colours of a GIF, RGB after RGB, and the place among them of each code. */
function paletteOf(frames: Uint16Array[]): { palette: number[]; places: Uint8Array } {
  const counts = new Float64Array(1 << (3 * BITS));
  for (const frame of frames) for (const code of frame) counts[code]!++;
  let boxes = [[...counts.keys()].filter((code) => counts[code])];
  while (boxes.length < COLOURS) {
    const [widest] = boxes.map((box, k) => ({ k, ...spread(box, counts) })).sort((a, b) => b.size - a.size);
    if (!widest?.size) break;
    boxes = [...boxes.filter((_, k) => k !== widest.k), ...halves(boxes[widest.k]!, widest.along, counts)];
  }
  const places = new Uint8Array(counts.length);
  const palette = new Array<number>(3 * COLOURS).fill(0);
  boxes.forEach((box, place) => {
    for (const code of box) places[code] = place;
    const whole = box.reduce((sum, code) => sum + counts[code]!, 0);
    for (const k of [0, 1, 2]) {
      const mean = box.reduce((sum, code) => sum + counts[code]! * channel(code, k), 0) / whole;
      palette[3 * place + k] = Math.round((mean * 255) / ((1 << BITS) - 1));
    }
  });
  return { palette, places };
}

/** In which channel the colours of a box differ most, and how much there is to win by cutting it. */
function spread(box: number[], counts: Float64Array): { along: number; size: number } {
  const whole = box.reduce((sum, code) => sum + counts[code]!, 0);
  const ranges = [0, 1, 2].map((k) => {
    let [least, most] = [Infinity, -Infinity];
    for (const code of box) [least, most] = [Math.min(least, channel(code, k)), Math.max(most, channel(code, k))];
    return most - least;
  });
  const along = ranges.indexOf(Math.max(...ranges));
  return { along, size: ranges[along]! * Math.sqrt(whole) };
}

/** Two boxes with about as many pixels each. */
function halves(box: number[], along: number, counts: Float64Array): [number[], number[]] {
  const sorted = [...box].sort((a, b) => channel(a, along) - channel(b, along));
  let left = sorted.reduce((sum, code) => sum + counts[code]!, 0) / 2;
  let cut = 0;
  while (left > 0) left -= counts[sorted[cut++]!]!;
  cut = Math.min(Math.max(cut, 1), sorted.length - 1);
  return [sorted.slice(0, cut), sorted.slice(cut)];
}

/** Places of pixels as LZW packs them: a code stands for all pixels of an earlier code and one more. */
function packed(pixels: Uint16Array): number[] {
  const bytes: number[] = [];
  let [held, bits, size] = [0, 0, 9];
  const emit = (code: number) => {
    held |= code << bits;
    for (bits += size; bits >= 8; bits -= 8, held >>= 8) bytes.push(held & 255);
  };
  let known = new Map<number, number>();
  let next = END + 1;
  emit(CLEAR);
  let run = pixels[0]!;
  for (const pixel of pixels.subarray(1)) {
    const longer = (run << 8) | pixel;
    const code = known.get(longer);
    if (code !== undefined) {
      run = code;
      continue;
    }
    emit(run);
    run = pixel;
    if (next < LONGEST) {
      if (next === 1 << size) size++;
      known.set(longer, next++);
    } else {
      emit(CLEAR);
      [known, next, size] = [new Map(), END + 1, 9];
    }
  }
  emit(run);
  emit(END);
  bytes.push(held & 255);
  return bytes;
}

/** Bytes in blocks of at most 255, each after its length, and an empty one at the end. */
function blocks(bytes: number[]): Uint8Array<ArrayBuffer> {
  const made: number[] = [];
  for (let k = 0; k < bytes.length; k += 255) {
    const block = bytes.slice(k, k + 255);
    made.push(block.length);
    for (const byte of block) made.push(byte);
  }
  return Uint8Array.from([...made, 0]);
}

function short(value: number): [number, number] {
  return [value & 255, value >> 8];
}

function ascii(text: string): number[] {
  return [...text].map((letter) => letter.charCodeAt(0));
}
