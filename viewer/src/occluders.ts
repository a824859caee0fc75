// What is put before a face: drawn flat around its landmarks, but for the hand, whose picture Python has drawn.
import { element } from "./dom";

export type Points = [number, number][]; // 68 landmarks, in pixels

const [CLOTH, FOLD, DARK] = ["#a9c3cd", "#8aa7b3", "#141414"];
const EYES = [36, 42]; // the first of six landmarks of each eye
const CHEEKS = [1, 15, 3, 13, 31, 35]; // landmarks whose surroundings are skin
const JAW = [1, 16]; // landmarks of the jaw that a mask reaches to
const BRIDGE = 28; // where a mask ends on the nose
const [CHIN, MOUTH] = [8, 62];
const PLEATS = [0.3, 0.5, 0.7]; // of the way from the bridge to the chin

type Brush = CanvasRenderingContext2D;

/** A medical mask over nose and mouth, with its folds and bands. */
export function mask(brush: Brush, points: Points): void {
  const [bridge, chin] = [points[BRIDGE]!, points[CHIN]!];
  const edge = points.slice(...JAW);
  brush.save();
  const shade = brush.createLinearGradient(...edge[0]!, ...edge.at(-1)!);
  for (const [stop, colour] of [[0, FOLD], [0.35, CLOTH], [0.65, CLOTH], [1, FOLD]] as const) shade.addColorStop(stop, colour);
  brush.fillStyle = shade;
  path(brush, [...edge, bridge]);
  brush.closePath();
  brush.fill();
  brush.clip();
  Object.assign(brush, { strokeStyle: FOLD, lineWidth: distance(bridge, chin) / 45 });
  for (const share of PLEATS) {
    const at = between(bridge, chin, share);
    const [left, right] = [edge[1]!, edge.at(-2)!].map((side) => between(side, between(edge[4]!, edge.at(-5)!, 0.5), share * 0.5));
    brush.beginPath();
    brush.moveTo(...left!);
    brush.quadraticCurveTo(...at, ...right!);
    brush.stroke();
  }
  brush.restore();
}

/** Sun-glasses. */
export function glasses(brush: Brush, points: Points): void {
  const [right, left] = EYES.map((first) => middle(points.slice(first, first + 6))) as [[number, number], [number, number]];
  const apart = distance(left, right);
  const angle = Math.atan2(left[1] - right[1], left[0] - right[0]);
  Object.assign(brush, { strokeStyle: DARK, lineWidth: apart * 0.08, lineCap: "round" });
  for (const [x, y] of [right, left]) {
    const shade = brush.createLinearGradient(x, y - apart * 0.3, x, y + apart * 0.3);
    shade.addColorStop(0, DARK);
    shade.addColorStop(1, "#3a3a40");
    brush.fillStyle = shade;
    brush.beginPath();
    brush.ellipse(x, y, apart * 0.42, apart * 0.31, angle, 0, 2 * Math.PI);
    brush.fill();
    brush.stroke();
  }
  for (const line of [[right, left], [right, points[0]!], [left, points[16]!]]) {
    path(brush, line);
    brush.stroke();
  }
}

/** A hand of the colour of the face, as wide as it is on a person; it can be moved. */
export class Hand {
  place: [number, number]; // of its middle
  private constructor(private readonly picture: HTMLCanvasElement, private readonly height: number, at: [number, number]) {
    this.place = at;
  }

  static async over(brush: Brush, points: Points, address: string): Promise<Hand> {
    const image = element("img", { src: address, alt: "" });
    await image.decode();
    const picture = element("canvas");
    [picture.width, picture.height] = [image.naturalWidth, image.naturalHeight];
    const inside = picture.getContext("2d")!;
    inside.drawImage(image, 0, 0);
    inside.globalCompositeOperation = "multiply";
    inside.fillStyle = skinOf(brush, points);
    inside.fillRect(0, 0, picture.width, picture.height);
    inside.globalCompositeOperation = "destination-in"; // what was transparent is so again
    inside.drawImage(image, 0, 0);
    const height = 2.1 * distance(points[BRIDGE]!, points[CHIN]!); // with its wrist
    const [x, y] = points[MOUTH]!;
    return new Hand(picture, height, [x, y + height * 0.2]);
  }

  get size(): [number, number] {
    return [(this.height * this.picture.width) / this.picture.height, this.height];
  }

  draw(brush: Brush): void {
    const [[x, y], [width, height]] = [this.place, this.size];
    brush.save();
    Object.assign(brush, { shadowColor: "rgb(0 0 0 / 40%)", shadowBlur: height / 30, shadowOffsetY: height / 60 });
    brush.drawImage(this.picture, x - width / 2, y - height / 2, width, height);
    brush.restore();
  }

  has([x, y]: [number, number]): boolean {
    return Math.abs(x - this.place[0]) < this.size[0] / 2 && Math.abs(y - this.place[1]) < this.size[1] / 2;
  }
}

/** The median colour of the cheeks. */
function skinOf(brush: Brush, points: Points): string {
  const pixels = CHEEKS.map((k) => {
    const [x, y] = between(points[k]!, middle(points.slice(27, 36)), k === 31 || k === 35 ? -0.4 : 0.35);
    return brush.getImageData(Math.round(x), Math.round(y), 1, 1).data;
  });
  const medians = [0, 1, 2].map((channel) => pixels.map((pixel) => pixel[channel]!).sort((a, b) => a - b)[3]!);
  return `rgb(${medians.join(" ")})`;
}

export function path(brush: Brush, points: Points): void {
  brush.beginPath();
  points.forEach(([x, y], k) => (k ? brush.lineTo(x, y) : brush.moveTo(x, y)));
}

function middle(points: Points): [number, number] {
  return [0, 1].map((axis) => points.reduce((sum, p) => sum + p[axis]!, 0) / points.length) as [number, number];
}

function between(a: [number, number], b: [number, number], share: number): [number, number] {
  return [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])];
}

function distance(a: [number, number], b: [number, number]): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}
