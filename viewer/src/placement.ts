// The camera of the photograph: with it the head is drawn where the photograph shows it.
import { Matrix4, OrthographicCamera, Vector3 } from "three";
import type { Facts } from "./content";

const PANEL: [number, number] = [480, 480]; // of the picture that `image_to_overlay` leads to
const AWAY = 2; // metres from the camera to the head; lines of sight are parallel, so any will do
type Row = [number, number, number, number];

export class PhotographCamera extends OrthographicCamera {
  private readonly pixels: number; // of the picture in a metre
  private readonly shift: [number, number]; // where the head's origin is in the picture

  /** `rows` take (x, y, z, 1) of the upright head to x and y of a picture of this width and height. */
  constructor(rows: [Row, Row], private readonly picture = PANEL) {
    super();
    const [across, down] = rows.map((row) => new Vector3(...row.slice(0, 3))) as [Vector3, Vector3];
    this.pixels = (across.length() + down.length()) / 2;
    this.shift = [rows[0][3], rows[1][3]];
    const right = across.normalize();
    const out = right.clone().cross(down.negate()).normalize();
    this.quaternion.setFromRotationMatrix(new Matrix4().makeBasis(right, out.clone().cross(right), out));
    this.position.copy(out).multiplyScalar(AWAY);
    [this.near, this.far] = [0.01, 2 * AWAY];
    this.fit(1);
  }

  /** Show the whole picture in a canvas so many times as wide as high. */
  fit(aspect: number): void {
    const [wide, high] = this.picture;
    const half = Math.max(high, wide / aspect) / 2; // of the canvas, in pixels of the picture
    const [x, y] = [(wide - 1) / 2 - this.shift[0], (high - 1) / 2 - this.shift[1]]; // pixel centres are at integers
    [this.left, this.right] = [(x - half * aspect) / this.pixels, (x + half * aspect) / this.pixels];
    [this.top, this.bottom] = [(half - y) / this.pixels, (-half - y) / this.pixels];
    this.updateProjectionMatrix();
  }

  /** Yaw and pitch in degrees of a camera that looks at the head from the same side. */
  get side(): [number, number] {
    const { x, y, z } = this.position.clone().normalize();
    return [(Math.atan2(x, z) * 180) / Math.PI, (Math.asin(y) * 180) / Math.PI];
  }
}

/** The camera of a frame of a film. */
export function cameraOfFrame(matrix: number[][], width: number, height: number): PhotographCamera {
  return new PhotographCamera([matrix[0] as Row, matrix[1] as Row], [width, height]);
}

/** The camera of a face's picture, where its facts say it. */
export function cameraOf({ head_to_image: head, image_to_overlay: panel }: Facts): PhotographCamera | undefined {
  if (!isMatrix(head, 3, 4) || !isMatrix(panel, 2, 3)) return undefined;
  const rows = panel.map(([a, b, c]) => {
    return head[0]!.map((value, k) => a! * value + b! * head[1]![k]! + (k === 3 ? c! : 0));
  });
  return new PhotographCamera(rows as [Row, Row]);
}

/** Left, top, right and bottom of the photograph in a face's picture, as shares of its sides; where unknown the whole. */
export function photographIn({ image, image_to_overlay: panel }: Facts): [number, number, number, number] {
  if (!image || !isMatrix(panel, 2, 3)) return [0, 0, 1, 1];
  const [low, high] = [[-0.5, -0.5], [image.width - 0.5, image.height - 0.5]].map(([x, y]) => {
    return panel.map(([a, b, c], axis) => Math.min(Math.max((a! * x! + b! * y! + c! + 0.5) / PANEL[axis]!, 0), 1));
  }) as [[number, number], [number, number]];
  return [...low, ...high];
}

function isMatrix(value: unknown, rows: number, columns: number): value is number[][] {
  return Array.isArray(value) && value.length === rows && value.every((row) => {
    return Array.isArray(row) && row.length === columns && row.every(Number.isFinite);
  });
}
