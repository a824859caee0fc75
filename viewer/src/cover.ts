// Paint something over the face on the photograph, to see how well the head holds.
import { button, element, Slider } from "./dom";

export type Points = [number, number][]; // 68 landmarks, in pixels of the photograph

const [MASK, GLASSES] = ["#7f9fae", "#161616"];
const EYES = [36, 42]; // the first of six landmarks of each eye
const JAW = [1, 16]; // landmarks of the jaw that a mask reaches to
const BRIDGE = 28; // where a mask ends on the nose

/** The photograph with what a person painted on it, or null. */
export async function covered(address: string, width: number, faces: Points[]): Promise<Blob | null> {
  const image = element("img", { src: address, alt: "" });
  await image.decode();
  const canvas = element("canvas", { class: "paint", role: "img", "aria-label": "The photograph to paint on" });
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const brush = canvas.getContext("2d")!;
  const scaled = faces.map((points) => points.map(([x, y]) => [x, y].map((p) => (p * canvas.width) / width)) as Points);
  const clear = () => brush.drawImage(image, 0, 0);
  clear();
  let size = Math.round(canvas.width / 14);
  const range = { id: "brush", label: "Brush", least: 4, most: Math.round(canvas.width / 4), step: 1, unit: " px", digits: 0 };
  const slider = new Slider(range, () => size, (value) => (size = value));
  listen(canvas, brush, () => size);
  const dialog = element("dialog", { "aria-label": "Cover part of the face" }, element("p", {}, "Paint over the face, or:"));
  document.body.append(dialog);
  try {
    return await new Promise((resolve) => {
      const tools = element("div", { class: "buttons" },
        button("Mask", () => scaled.forEach((points) => mask(brush, points))),
        button("Dark glasses", () => scaled.forEach((points) => glasses(brush, points))),
        button("Clear", clear));
      const done = button("Reconstruct", () => canvas.toBlob(resolve, "image/jpeg", 0.95), { class: "primary" });
      const ends = element("div", { class: "buttons" }, done, button("Cancel", () => resolve(null)));
      dialog.append(tools, canvas, slider.row, ends);
      dialog.addEventListener("cancel", () => resolve(null));
      dialog.showModal();
    });
  } finally {
    dialog.remove();
  }
}

function listen(canvas: HTMLCanvasElement, brush: CanvasRenderingContext2D, size: () => number): void {
  let last: [number, number] | null = null;
  const place = (event: PointerEvent): [number, number] => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height];
  };
  const stroke = (event: PointerEvent) => {
    if (!last) return;
    const now = place(event);
    Object.assign(brush, { lineWidth: size(), lineCap: "round", strokeStyle: MASK });
    path(brush, [last, now]);
    brush.stroke();
    last = now;
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = place(event);
    stroke(event);
  });
  canvas.addEventListener("pointermove", stroke);
  for (const end of ["pointerup", "pointercancel"] as const) canvas.addEventListener(end, () => (last = null));
}

function mask(brush: CanvasRenderingContext2D, points: Points): void {
  brush.fillStyle = MASK;
  path(brush, [...points.slice(...JAW), points[BRIDGE]!]);
  brush.fill();
}

function glasses(brush: CanvasRenderingContext2D, points: Points): void {
  const eyes = EYES.map((first) => points.slice(first, first + 6));
  const middles = eyes.map((eye) => [0, 1].map((axis) => eye.reduce((sum, p) => sum + p[axis]!, 0) / 6) as [number, number]);
  const [right, left] = middles as [[number, number], [number, number]];
  const apart = Math.hypot(left[0] - right[0], left[1] - right[1]);
  const angle = Math.atan2(left[1] - right[1], left[0] - right[0]);
  Object.assign(brush, { fillStyle: GLASSES, strokeStyle: GLASSES, lineWidth: apart * 0.08, lineCap: "round" });
  for (const [x, y] of middles) {
    brush.beginPath();
    brush.ellipse(x, y, apart * 0.4, apart * 0.3, angle, 0, 2 * Math.PI);
    brush.fill();
  }
  path(brush, [right, left]);
  brush.stroke();
}

function path(brush: CanvasRenderingContext2D, points: Points): void {
  brush.beginPath();
  points.forEach(([x, y], k) => (k ? brush.lineTo(x, y) : brush.moveTo(x, y)));
}
